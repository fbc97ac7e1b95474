#include <ccexpert/model/block_runner.h>

#include "model/shared/recompute.h"

namespace ccexpert::model {

TensorList PlainRunner::run(const Block& block, const TensorList& inputs) const {
  return block.compute(inputs);
}

TensorList RecomputingRunner::run(const Block& block, const TensorList& inputs) const {
  return block.repeatable ? recompute(block.compute, inputs, block.parameters) : block.compute(inputs);
}

}  // namespace ccexpert::model
