#include <cmath>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <ccexpert/model/weights.h>

namespace ccexpert {
namespace {

constexpr double kDeviation = 0.02;

double deviation_of(const std::string& name, const at::Tensor& parameter) {
  if (name.find("patch_embedding") == std::string::npos) return kDeviation;
  return 1.0 / std::sqrt(static_cast<double>(parameter[0].numel()));
}

}  // namespace

void initialize_weights(CcexpertModel& model, uint64_t seed) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  for (auto& item : model.named_parameters()) {
    auto& parameter = item.value();
    if (item.key().ends_with(".bias")) {
      parameter.zero_();
    } else if (parameter.dim() == 1) {
      parameter.fill_(1.0);  // the scale of a norm
    } else {
      const double deviation = deviation_of(item.key(), parameter);
      parameter.copy_(at::empty(parameter.sizes(), at::kFloat).normal_(0.0, deviation, generator));
    }
  }
  if (model.diff_expert()) model.diff_expert()->initialize(seed);
}

}  // namespace ccexpert
