#include "model/shared/lora.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <regex>
#include <set>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

#include "kernels/linear.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

constexpr const char* kAllLinear = "all-linear";
constexpr const char* kHeadName = "lm_head";

/// Matrix that a pattern may choose.
struct Candidate {
  std::string name;
  bool convolution = false;
  bool shared = false;  ///< the matrix of another module
};

std::vector<Candidate> candidates_of(torch::nn::Module& model) {
  std::vector<Candidate> candidates;
  for_each_linear(model, [&](const std::string& name, const Linear& linear) {
    candidates.push_back({.name = name,
                          .convolution = linear.weight.dim() != 2,
                          .shared = linear.named_parameters(/*recurse=*/false).is_empty()});
  });
  return candidates;
}

[[noreturn]] void refuse(const std::string& pattern, std::string_view expected, std::string_view got,
                         std::string_view hint = {}) {
  fail_expected({fmt::format("LoRA target '{}'", pattern), expected, got, hint});
}

std::regex compiled(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error&) {
    refuse(pattern, "the end of a name, or a regular expression of a whole name", "neither",
           ".* matches any characters");
  }
}

/// Returns the part of a name that people write as a target: "q_proj", or "mm_projector.0".
std::string usual_target(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return name;
  const bool number = std::isdigit(static_cast<unsigned char>(name[dot + 1])) != 0;
  const auto start = number ? name.rfind('.', dot - 1) : dot;
  return start == std::string::npos ? name : name.substr(start + 1);
}

[[noreturn]] void refuse_without_match(const std::string& pattern, const std::vector<Candidate>& candidates) {
  std::set<std::string> known;
  for (const auto& candidate : candidates) known.insert(usual_target(candidate.name));
  const auto nearest = nearest_name(pattern, {known.begin(), known.end()});
  refuse(pattern, "matrices of the model", "none with such a name",
         nearest.empty() ? std::string() : fmt::format("did you mean {}?", nearest));
}

void expect_adaptable(const std::string& pattern, const Candidate& candidate) {
  if (candidate.convolution) {
    refuse(pattern, "matrices", fmt::format("{}, the kernel of a convolution", candidate.name));
  }
  if (candidate.shared) {
    refuse(pattern, "matrices with weights of their own",
           fmt::format("{}, which shares the embedding's", candidate.name));
  }
}

/// Returns a function of a candidate's name.
std::function<bool(const std::string&)> matcher(const std::string& pattern) {
  if (pattern == kAllLinear) return [](const std::string& name) { return name != kHeadName; };
  if (is_plain_pattern(pattern)) return [pattern](const std::string& name) { return ends_as(name, pattern); };
  return [regex = compiled(pattern)](const std::string& name) { return std::regex_match(name, regex); };
}

/// Adds to `chosen` what one pattern matches.
void choose(const std::string& pattern, const std::vector<Candidate>& candidates,
            std::set<std::string>& chosen) {
  const auto matches = matcher(pattern);
  bool any = false;
  for (const auto& candidate : candidates) {
    const bool passed_over = pattern == kAllLinear && (candidate.convolution || candidate.shared);
    if (passed_over || !matches(candidate.name)) continue;
    expect_adaptable(pattern, candidate);
    chosen.insert(candidate.name);
    any = true;
  }
  if (!any) refuse_without_match(pattern, candidates);
}

}  // namespace

double LoraSize::scale() const {
  const auto divisor = static_cast<double>(rank);
  return alpha / (rank_stabilized ? std::sqrt(divisor) : divisor);
}

LoraProduct::LoraProduct(const Linear& linear, int64_t rank, double scale)
    : linear_(linear), base_(linear.product()), scale_(scale) {
  const auto matrix = linear.matrix();
  const auto options = matrix.options().requires_grad(false);
  a = at::empty({rank, matrix.size(1)}, options);
  b = at::empty({matrix.size(0), rank}, options);
}

at::Tensor LoraProduct::apply(const at::Tensor& x) const {
  const auto base = base_ ? base_->apply(x) : kernels::linear_product(x, linear_.matrix(), linear_.bias);
  return base + kernels::linear_product(kernels::linear_product(x, a), b) * scale_;
}

bool is_plain_pattern(const std::string& pattern) {
  return std::all_of(pattern.begin(), pattern.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; });
}

bool ends_as(const std::string& name, const std::string& end) {
  if (end.empty() || !name.ends_with(end)) return false;
  return name.size() == end.size() || name[name.size() - end.size() - 1] == '.';
}

std::vector<std::string> lora_targets(torch::nn::Module& model, const std::vector<std::string>& patterns) {
  const auto candidates = candidates_of(model);
  std::set<std::string> chosen;
  for (const auto& pattern : patterns) choose(pattern, candidates, chosen);
  std::vector<std::string> names;
  for (const auto& candidate : candidates) {
    const bool is_chosen = patterns.empty() ? candidate.name.starts_with(weight_names::kDecoderBlocks)
                                            : chosen.contains(candidate.name);
    if (is_chosen) names.push_back(candidate.name);
  }
  return names;
}

LoraLayers add_lora(torch::nn::Module& model, const std::vector<std::string>& names, const LoraSize& size) {
  const std::set<std::string> chosen(names.begin(), names.end());
  LoraLayers layers;
  for_each_linear(model, [&](const std::string& name, Linear& linear) {
    if (!chosen.contains(name)) return;
    layers.push_back({name, std::make_shared<LoraProduct>(linear, size.rank, size.scale())});
    linear.set_product(layers.back().product, linear.product_weights());
  });
  return layers;
}

void initialize_lora(const LoraLayers& layers, uint64_t seed) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  for (const auto& layer : layers) {
    auto& a = layer.product->a;
    const double bound = 1.0 / std::sqrt(static_cast<double>(a.size(1)));
    a.copy_(at::empty(a.sizes(), at::kFloat).uniform_(-bound, bound, generator));
    layer.product->b.zero_();
  }
}

std::vector<io::NamedTensor> lora_parameters(const LoraLayers& layers) {
  std::vector<io::NamedTensor> parameters;
  for (const auto& layer : layers) {
    parameters.push_back({layer.name + kLoraA, layer.product->a});
    parameters.push_back({layer.name + kLoraB, layer.product->b});
  }
  return parameters;
}

}  // namespace ccexpert::model
