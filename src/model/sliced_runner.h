// Execution of blocks in slices of the batch, which takes less memory.
#pragma once

#include <ccexpert/model/block_runner.h>

namespace ccexpert::model {

/// Runs a block for one row of the batch (the first dimension of every input) after the other. The rows of
/// the block must not interact. Results are those of all rows at once if each product computes a row
/// independently of others, as those of int8 do. A block that is not repeatable runs as it is.
class SlicedRunner : public BlockRunner {
 public:
  TensorList run(const Block& block, const TensorList& inputs) const override;
};

}  // namespace ccexpert::model
