#include "train/flops.h"

#include <set>

#include <ccexpert/model/part_cost.h>

namespace ccexpert::train {
namespace {

/// Returns the cost factor of forward only (1), with gradients of activations (2), or also of weights (3).
double passes(bool trained, bool gradients_flow) {
  return trained ? 3.0 : gradients_flow ? 2.0 : 1.0;
}

bool trains(const TrainedParts& parts, model::Part part) {
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

}  // namespace

TrainedParts trained_parts(const std::vector<TrainableParameter>& parameters) {
  // The heads of auxiliary losses belong to no part.
  std::set<model::Part> found;
  for (const auto& parameter : parameters) {
    if (const auto part = model::find_part(parameter.name)) found.insert(*part);
  }
  return {.vision = found.contains(model::Part::kVision),
          .diff_expert = found.contains(model::Part::kDiffExpert) || found.contains(model::Part::kWeighting),
          .projector = found.contains(model::Part::kProjector),
          .decoder = found.contains(model::Part::kDecoder) || found.contains(model::Part::kHead)};
}

double step_flops(const model::ModelConfig& config, const TrainedParts& parts, int64_t pairs,
                  int64_t tokens) {
  double multiply_adds = 0.0;
  bool gradients_flow = false;
  for (const auto& cost : model::part_costs(config, {pairs, tokens})) {
    const bool trained = trains(parts, cost.part);
    multiply_adds += passes(trained, gradients_flow) * cost.multiply_adds;
    gradients_flow = gradients_flow || trained;
  }
  return 2.0 * multiply_adds;
}

}  // namespace ccexpert::train
