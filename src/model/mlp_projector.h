/// LLaVA's connector.
#pragma once

#include <memory>

#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/vision_tower.h>

namespace ccexpert::model {

/// Two-layer MLP with exact GELU from the vision width to the language width (`mlp2x_gelu`).
class MlpProjector : public Connector {
 public:
  MlpProjector(int64_t in, int64_t out, const at::TensorOptions& options);

  /// Maps [...,D] to [...,H].
  at::Tensor forward(const at::Tensor& x) const override;

  /// Returns the cost for a number of features.
  static PartCost cost(int64_t in, int64_t out, int64_t features);

 private:
  std::shared_ptr<Linear> first_, second_;
};

}  // namespace ccexpert::model
