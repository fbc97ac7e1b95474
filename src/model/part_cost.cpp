#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>

#include "model/clip.h"
#include "model/eva.h"
#include "model/mlp_projector.h"
#include "model/qformer.h"
#include "model/siglip.h"

namespace ccexpert::model {

namespace {

PartCost tower_cost(const ModelConfig& config, int64_t images) {
  const auto cost = config.vision.tower == TowerKind::kEva    ? EvaVision::cost
                    : config.vision.tower == TowerKind::kClip ? ClipVision::cost
                                                              : SiglipVision::cost;
  return cost(config.vision, config.vision_layers, images);
}

PartCost connector_cost(const ModelConfig& config, int64_t images) {
  const int64_t width = config.vision.hidden_size, decoder_width = config.decoder.hidden_size;
  const int64_t patches = config.vision.patches();
  if (!config.qformer) return MlpProjector::cost(width, decoder_width, images * patches);
  return QFormerConnector::cost(*config.qformer, {width, decoder_width}, images, 1 + patches);
}

}  // namespace

std::vector<PartCost> part_costs(const ModelConfig& config, const BatchSize& batch) {
  const int64_t images = 2 * batch.pairs, patches = config.vision.patches();
  std::vector<PartCost> costs{tower_cost(config, images)};
  if (config.diff_expert) {
    const auto scales = static_cast<int64_t>(config.vision_layers.size());
    costs.push_back(DiffExpert::cost(*config.diff_expert, {batch.pairs, scales, patches}));
  }
  costs.push_back(connector_cost(config, images));
  costs.push_back(Decoder::cost(config.decoder, batch));
  return costs;
}

}  // namespace ccexpert::model
