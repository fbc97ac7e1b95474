#include "train/flops.h"

#include <set>

#include <ccexpert/model/part_cost.h>

#include "train/lora_run.h"

namespace ccexpert::train {
namespace {

/// Gradients that reach a part.
struct Reached {
  bool weights = false;
  bool activations = false;
};

/// Returns the cost factor of forward only (1), with gradients of activations (2), or also of weights (3).
double passes(const Reached& reached) {
  return reached.weights ? 3.0 : reached.activations ? 2.0 : 1.0;
}

template <class Parts>
bool trains(const Parts& parts, model::Part part) {
  switch (part) {
    case model::Part::kVision:
      return parts.vision;
    case model::Part::kDiffExpert:
    case model::Part::kWeighting:
      return parts.diff_expert;
    case model::Part::kProjector:
    case model::Part::kImageNewline:
      return parts.projector;
    case model::Part::kDecoder:
    case model::Part::kHead:
      break;
  }
  return parts.decoder;
}

TrainedParts parts_of(const std::set<model::Part>& found) {
  return {.vision = found.contains(model::Part::kVision),
          .diff_expert = found.contains(model::Part::kDiffExpert) || found.contains(model::Part::kWeighting),
          .projector = found.contains(model::Part::kProjector),
          .decoder = found.contains(model::Part::kDecoder) || found.contains(model::Part::kHead)};
}

}  // namespace

TrainedParts trained_parts(const std::vector<TrainableParameter>& parameters) {
  // The heads of auxiliary losses belong to no part.
  std::set<model::Part> found, whole;
  for (const auto& parameter : parameters) {
    const auto part = model::find_part(parameter.name);
    if (!part) continue;
    found.insert(*part);
    if (!is_lora_parameter(parameter.name)) whole.insert(*part);
  }
  auto parts = parts_of(found);
  const auto full = parts_of(whole);
  parts.low_rank = {.vision = parts.vision && !full.vision,
                    .diff_expert = parts.diff_expert && !full.diff_expert,
                    .projector = parts.projector && !full.projector,
                    .decoder = parts.decoder && !full.decoder};
  return parts;
}

double step_flops(const model::ModelConfig& config, const TrainedParts& parts, int64_t pairs,
                  int64_t tokens) {
  double multiply_adds = 0.0;
  bool gradients_flow = false;
  for (const auto& cost : model::part_costs(config, {pairs, tokens})) {
    const bool trained = trains(parts, cost.part);
    const bool low_rank = trains(parts.low_rank, cost.part);
    gradients_flow = gradients_flow || low_rank;
    multiply_adds +=
        passes({.weights = trained && !low_rank, .activations = gradients_flow}) * cost.multiply_adds;
    gradients_flow = gradients_flow || trained;
  }
  return 2.0 * multiply_adds;
}

}  // namespace ccexpert::train
