#include <ccexpert/model/block_runner.h>
#include <ccexpert/model/recompute.h>

namespace ccexpert::model {

TensorList PlainRunner::run(const Block& block, const TensorList& inputs) const {
  return block.compute(inputs);
}

TensorList RecomputingRunner::run(const Block& block, const TensorList& inputs) const {
  return block.repeatable ? recompute(block.compute, inputs, block.parameters) : block.compute(inputs);
}

}  // namespace ccexpert::model
