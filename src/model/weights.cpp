#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/parts.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "core/foreign_errors.h"
#include "core/printable.h"
#include "model/resized_positions.h"
#include "model/weight_fit.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Differences between a module's parameters and a source.
struct Differences {
  std::vector<std::string> missing, unexpected, misshaped;
  bool none() const { return missing.empty() && unexpected.empty() && misshaped.empty(); }
};

std::string list_of(std::string_view kind, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; {} {}: {}", names.size(), kind, first_few(names));
}

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Differences compare(const WeightContract& contract, const io::TensorSource& source,
                    const LoadWeightsOptions& options) {
  Differences differences;
  std::unordered_set<std::string_view> expected;
  for (const auto& [name, target, dtypes] : contract) {
    expected.insert(name);
    const auto* info = source.find(name);
    if (info == nullptr) {
      if (!options.may_be_missing || !options.may_be_missing(name)) differences.missing.push_back(name);
    } else if (at::IntArrayRef(info->shape) != target.sizes()) {
      differences.misshaped.push_back(
          fmt::format("{} (expected {}, got {})", name, shape_text(target.sizes()), shape_text(info->shape)));
    }
  }
  for (const auto& info : source.tensors()) {
    const bool known =
        expected.contains(info.name) || (options.may_be_unused && options.may_be_unused(info.name));
    if (!known) differences.unexpected.push_back(info.name);
  }
  return differences;
}

/// True if `name` belongs to a vision block from `depth` on: stored, but after the last needed block.
bool is_spare_vision_block(std::string_view name, int64_t depth) {
  if (!name.starts_with(weight_names::kSiglipBlocks)) return false;
  name.remove_prefix(weight_names::kSiglipBlocks.size());
  int64_t block = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), block);
  return error == std::errc() && block >= depth;
}

bool is_of_diff_expert(std::string_view name) {
  const auto part = find_part(name);
  return part == Part::kDiffExpert || part == Part::kWeighting;
}

void expect_dtype(const ExpectedTensor& expected, const io::TensorInfo& info) {
  const auto& dtypes = expected.dtypes;
  if (std::find(dtypes.begin(), dtypes.end(), info.dtype) != dtypes.end()) return;
  const auto what = fmt::format("{}: {}", info.file, info.name);
  if (dtypes == ExpectedTensor().dtypes) {
    fail_expected(
        {what, "a floating-point tensor", at::toString(info.dtype), "quantised checkpoints are not read"});
  }
  std::vector<std::string_view> names;
  for (const auto dtype : dtypes) names.emplace_back(at::toString(dtype));
  fail_expected({what, fmt::format("a tensor of {}", fmt::join(names, " or ")), at::toString(info.dtype)});
}

void expect_finite(const at::Tensor& tensor, const io::TensorInfo& info) {
  if (tensor.numel() == 0 || !tensor.is_floating_point()) return;
  // One pass without a copy; NaN propagates.
  const auto [least, most] = at::aminmax(tensor);
  if (!std::isfinite(least.item<double>()) || !std::isfinite(most.item<double>()))
    fail_expected({fmt::format("{}: tensor {}", info.file, info.name),
                   fmt::format("finite numbers in {}", at::toString(tensor.scalar_type())), "NaN or infinity",
                   "damaged weights, or those of a training that diverged"});
}

/// Copies a tensor of the source, or what `select` keeps of it; its shape must match.
void copy_from(const io::TensorSource& source, const io::TensorInfo& info, const ExpectedTensor& expected,
               const SelectWeights& select) {
  const auto whole = source.tensor(info.name);
  const auto [stored, target] = select ? select(expected, whole) : WeightCopy{whole, expected.target};
  // Checks the stored tensor, which is the smaller one; but on a GPU the target, which is read faster, and in
  // half precision the target, which may overflow although the file does not.
  const bool stored_tells = target.is_cpu() && target.scalar_type() != at::kHalf;
  if (stored_tells) expect_finite(stored, info);
  target.copy_(stored);
  if (!stored_tells) expect_finite(target, info);
  source.release(info.name);
}

/// Returns the order of copies: first the layer with the largest tensor, whose temporary copies then take the
/// memory of those that follow.
std::vector<const ExpectedTensor*> copy_order(const WeightContract& contract) {
  std::vector<const ExpectedTensor*> order;
  for (const auto& expected : contract) order.push_back(&expected);
  const auto largest =
      std::ranges::max_element(order, {}, [](const auto* expected) { return expected->target.numel(); });
  if (largest == order.end()) return order;
  const auto layer = (*largest)->name.substr(0, (*largest)->name.rfind('.') + 1);
  std::ranges::stable_partition(order,
                                [&](const auto* expected) { return expected->name.starts_with(layer); });
  return order;
}

/// Returns what names of the parameters of `module` begin with.
std::string prefix_of(const std::string& module) {
  return module.empty() ? "" : module + ".";
}

}  // namespace

void expect_fit(const WeightContract& contract, const io::TensorSource& source,
                const LoadWeightsOptions& options) {
  const auto differences = compare(contract, source, options);
  if (!differences.none()) {
    const std::string where = source.tensors().empty() ? "checkpoint" : source.tensors().front().file;
    fail(where, fmt::format("tensors do not fit the model{}{}{}", list_of("missing", differences.missing),
                            list_of("unexpected", differences.unexpected),
                            list_of("of the wrong shape", differences.misshaped)));
  }
  for (const auto& expected : contract) {
    if (const auto* info = source.find(expected.name)) expect_dtype(expected, *info);
  }
}

WeightContract weight_contract(torch::nn::Module& module) {
  WeightContract read_by_products;
  std::unordered_set<std::string> replaced;
  const auto replace = [&](const std::string& name, const auto& layer) {
    if (layer.product_weights().empty()) return;
    for (const auto& item : layer.named_parameters()) replaced.insert(prefix_of(name) + item.key());
    for (auto expected : layer.product_weights()) {
      expected.name.insert(0, prefix_of(name));
      read_by_products.push_back(std::move(expected));
    }
  };
  for_each_linear(module, replace);
  for (const auto& item : module.named_modules("", /*include_self=*/false)) {
    if (const auto* table = dynamic_cast<const Embedding*>(item.value().get())) replace(item.key(), *table);
  }
  WeightContract contract;
  for (const auto& item : module.named_parameters()) {
    if (!replaced.contains(item.key())) contract.push_back({.name = item.key(), .target = item.value()});
  }
  contract.insert(contract.end(), read_by_products.begin(), read_by_products.end());
  return contract;
}

void load_weights(const WeightContract& contract, const io::TensorSource& source,
                  const LoadWeightsOptions& options) try {
  const at::NoGradGuard no_grad;
  expect_fit(contract, source, options);
  for (const auto* expected : copy_order(contract)) {
    if (const auto* info = source.find(expected->name)) copy_from(source, *info, *expected, options.select);
  }
} catch (...) {
  rethrow_as_error();
}

void load_weights(torch::nn::Module& module, const io::TensorSource& source,
                  const LoadWeightsOptions& options) try {
  load_weights(weight_contract(module), source, options);
} catch (...) {
  rethrow_as_error();
}

bool has_diff_expert(const io::TensorSource& source) {
  return std::any_of(source.tensors().begin(), source.tensors().end(),
                     [](const io::TensorInfo& info) { return is_of_diff_expert(info.name); });
}

std::shared_ptr<CcexpertModel> build_model(ModelConfig config, const io::TensorSource& source,
                                           const BuildModelOptions& options) try {
  const bool stores_head = source.find(std::string(weight_names::kHeadWeight)) != nullptr;
  // A base may store no head although its config says untied; with a Diff Expert in the checkpoint, that is a
  // missing tensor.
  if (stores_head || !has_diff_expert(source)) config.decoder.tie_word_embeddings = !stores_head;
  const bool fresh = options.fresh_diff_expert && !has_diff_expert(source);
  if (fresh && !config.diff_expert) {
    fail("fresh Diff Expert", "the model config describes none");
  }
  const ResizedPositions resized(source, config.vision.grid(), config.vision.tower != TowerKind::kSiglip);
  const io::TensorSource& weights = options.resize_positions ? resized : source;
  // The model is first built without memory: a config that does not fit the files, however large its model,
  // is an Error before memory is allocated.
  CcexpertModel shapes(config, options.tensor.device(at::kMeta));
  if (options.prepare) options.prepare(shapes);
  const int64_t depth = shapes.vision().depth();
  LoadWeightsOptions load{
      .may_be_unused =
          [depth](std::string_view name) {
            return is_known_unused(name) || is_spare_vision_block(name, depth);
          },
      .may_be_missing = [fresh](std::string_view name) { return fresh && is_of_diff_expert(name); }};
  expect_fit(weight_contract(shapes), weights, load);
  auto model = std::make_shared<CcexpertModel>(config, options.tensor);
  if (options.prepare) options.prepare(*model);
  if (fresh) model->diff_expert()->initialize(options.fresh);
  if (options.take) load.select = options.take(*model);
  load_weights(*model, weights, load);
  return model;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
