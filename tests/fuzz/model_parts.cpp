// Fuzz targets read configs and never build a model, so they are linked without torch::nn.
#include <ccexpert/core/error.h>
#include <ccexpert/model/ccexpert_model.h>

#include "model/minigpt4.h"

namespace ccexpert::model {

ModelParts llava_parts(const ModelConfig& /*config*/, const at::TensorOptions& /*options*/) {
  fail("model", "a fuzz target cannot build one", "", ErrorKind::kInternal);
}

ModelParts minigpt4_parts(const ModelConfig& /*config*/, const at::TensorOptions& /*options*/) {
  fail("model", "a fuzz target cannot build one", "", ErrorKind::kInternal);
}

}  // namespace ccexpert::model
