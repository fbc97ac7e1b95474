#include "model/minigpt4.h"

#include "model/config_checks.h"
#include "model/eva.h"
#include "model/qformer.h"

namespace ccexpert::model {

ModelParts minigpt4_parts(const ModelConfig& config, const at::TensorOptions& options) {
  config.validate();
  expect(config.qformer.has_value(), "minigpt4", "a qformer_config", "none");
  // Without a Diff Expert only the deepest features are used.
  const auto layers =
      config.diff_expert ? config.vision_layers : std::vector<int64_t>{config.vision_layers.back()};
  const auto& vision = config.vision;
  return {.vision = std::make_shared<EvaVision>(vision, layers, options),
          .connector = std::make_shared<QFormerConnector>(
              config.qformer.value(),
              QFormerConnector::Widths{.image = vision.hidden_size, .decoder = config.decoder.hidden_size},
              options)};
}

}  // namespace ccexpert::model
