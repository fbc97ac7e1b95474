#include <cmath>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <ccexpert/model/weights.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

double deviation_of(const std::string& name, const at::Tensor& parameter, double usual) {
  if (name == weight_names::kImageNewline) return 1.0 / std::sqrt(static_cast<double>(parameter.numel()));
  if (name.find("patch_embedding") == std::string::npos) return usual;
  return 1.0 / std::sqrt(static_cast<double>(parameter[0].numel()));
}

/// True for a learned vector, which is neither a bias nor the scale of a norm.
bool is_vector(const std::string& name) {
  return name == weight_names::kImageNewline || name == weight_names::kClassEmbedding;
}

}  // namespace

void initialize_weights(CcexpertModel& model, const FreshWeights& fresh) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(fresh.seed);
  for (auto& item : model.named_parameters()) {
    auto& parameter = item.value();
    if (item.key().ends_with(".bias")) {
      parameter.zero_();
    } else if (parameter.dim() == 1 && !is_vector(item.key())) {
      parameter.fill_(1.0);  // the scale of a norm
    } else {
      const double deviation = deviation_of(item.key(), parameter, fresh.deviation);
      parameter.copy_(at::empty(parameter.sizes(), at::kFloat).normal_(0.0, deviation, generator));
    }
  }
  if (model.diff_expert()) model.diff_expert()->initialize(fresh);
}

}  // namespace ccexpert::model
