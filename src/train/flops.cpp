#include "train/flops.h"

#include <algorithm>
#include <set>

#include <ccexpert/model/parts.h>

namespace ccexpert::train {
namespace {

double number(int64_t value) {
  return static_cast<double>(value);
}

/// Returns the multiply-adds of one transformer layer for T tokens in sequences of length L.
double layer_work(double tokens, double length, double weights, double attention_width) {
  return tokens * (weights + 2.0 * length * attention_width);
}

double vision_work(const ModelConfig& config, int64_t images) {
  const auto& vision = config.vision;
  const int64_t depth = *std::max_element(config.vision_layers.begin(), config.vision_layers.end());
  const double width = number(vision.hidden_size), tokens = number(images * vision.patches());
  const double weights = 4.0 * width * width + 2.0 * width * number(vision.intermediate_size);
  const double patches = tokens * 3.0 * number(vision.patch_size * vision.patch_size) * width;
  return patches + number(depth) * layer_work(tokens, number(vision.patches()), weights, width);
}

double diff_expert_work(const ModelConfig& config, int64_t pairs) {
  if (!config.diff_expert) return 0.0;
  const double width = number(config.vision.hidden_size), patches = number(config.vision.patches());
  const double scales = number(static_cast<int64_t>(config.vision_layers.size()));
  const double inner = width / number(config.diff_expert->attention_upsample_rate);
  // Projections: 4 of self-attention; 8 of change to images (keys and values of three inputs); 6 of image to
  // change for each image.
  const double weights = 24.0 * width * inner + 2.0 * width * number(config.diff_expert->mlp_dim);
  const double scores = (2.0 + 6.0 + 8.0) * patches * inner;  // over N, 3N and twice 2N keys
  const double init = 7.0 * width * width;                    // recomputed before every layer
  return number(pairs) * scales * patches * number(config.diff_expert->per_expert_depth) *
         (init + weights + scores);
}

double projector_work(const ModelConfig& config, int64_t images) {
  const double language = number(config.decoder.hidden_size);
  return number(images * config.vision.patches()) *
         (number(config.vision.hidden_size) * language + language * language);
}

double decoder_work(const ModelConfig& config, int64_t pairs, int64_t tokens) {
  const auto& decoder = config.decoder;
  const double width = number(decoder.hidden_size);
  const double key_width = number(decoder.num_key_value_heads * decoder.head_width());
  const double weights =
      2.0 * width * width + 2.0 * width * key_width + 3.0 * width * number(decoder.intermediate_size);
  const double length = number(tokens) / std::max(1.0, number(pairs));
  // A token attends to half of its sequence on average.
  return number(decoder.num_hidden_layers) * layer_work(number(tokens), length / 2.0, weights, width);
}

/// Returns the cost factor of forward only (1), with gradients of activations (2), or also of weights (3).
double passes(bool trained, bool gradients_flow) {
  return trained ? 3.0 : gradients_flow ? 2.0 : 1.0;
}

}  // namespace

TrainedParts trained_parts(const std::vector<TrainableParameter>& parameters) {
  // The heads of auxiliary losses belong to no part.
  std::set<Part> found;
  for (const auto& parameter : parameters) {
    if (const auto part = find_part(parameter.name)) found.insert(*part);
  }
  return {.vision = found.contains(Part::kVision),
          .diff_expert = found.contains(Part::kDiffExpert) || found.contains(Part::kWeighting),
          .projector = found.contains(Part::kProjector),
          .decoder = found.contains(Part::kDecoder) || found.contains(Part::kHead)};
}

double step_flops(const ModelConfig& config, const TrainedParts& parts, int64_t pairs, int64_t tokens) {
  const bool before_projector = parts.vision || parts.diff_expert;
  const double multiply_adds =
      passes(parts.vision, false) * vision_work(config, 2 * pairs) +
      passes(parts.diff_expert, parts.vision) * diff_expert_work(config, pairs) +
      passes(parts.projector, before_projector) * projector_work(config, 2 * pairs) +
      passes(parts.decoder, before_projector || parts.projector) * decoder_work(config, pairs, tokens);
  return 2.0 * multiply_adds;
}

}  // namespace ccexpert::train
