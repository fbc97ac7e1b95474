#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>

#include "model/clip.h"
#include "model/mlp_projector.h"
#include "model/siglip.h"

namespace ccexpert::model {

std::vector<PartCost> part_costs(const ModelConfig& config, const BatchSize& batch) {
  const int64_t images = 2 * batch.pairs, patches = config.vision.patches();
  const auto tower = config.vision.tower == TowerKind::kClip ? ClipVision::cost : SiglipVision::cost;
  std::vector<PartCost> costs{tower(config.vision, config.vision_layers, images)};
  if (config.diff_expert) {
    const auto scales = static_cast<int64_t>(config.vision_layers.size());
    costs.push_back(DiffExpert::cost(*config.diff_expert, {batch.pairs, scales, patches}));
  }
  costs.push_back(
      MlpProjector::cost(config.vision.hidden_size, config.decoder.hidden_size, images * patches));
  costs.push_back(Decoder::cost(config.decoder, batch));
  return costs;
}

}  // namespace ccexpert::model
