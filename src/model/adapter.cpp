#include "model/shared/adapter.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/printable.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPeftPrefix = "base_model.model.";
constexpr std::string_view kWeight = ".weight";

/// Names of a llava-hf model's modules in transformers 5, which PEFT's names are made of.
constexpr std::array kToModules{
    io::RenamedPrefix{weight_names::kSiglip, "model.vision_tower."},
    io::RenamedPrefix{weight_names::kProjectorIn, "model.multi_modal_projector.linear_1."},
    io::RenamedPrefix{weight_names::kProjectorOut, "model.multi_modal_projector.linear_2."},
    io::RenamedPrefix{weight_names::kTrunk, "model.language_model."}};

std::string module_name(const std::string& name) {
  for (const auto& [from, to] : kToModules) {
    if (name.starts_with(from)) return std::string(to) + name.substr(from.size());
  }
  return name;
}

/// Returns the tensors of one kind, "A" or "B", by the layer's name in the file; `rest` loses them.
std::map<std::string, at::Tensor> taken(const io::TensorSource& source, std::string_view end,
                                        std::set<std::string>& rest) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& info : source.tensors()) {
    const std::string_view name = info.name;
    if (!name.starts_with(kPeftPrefix) || !name.ends_with(end)) continue;
    rest.erase(info.name);
    const auto layer = name.substr(kPeftPrefix.size(), name.size() - kPeftPrefix.size() - end.size());
    tensors.emplace(layer, source.tensor(info.name));
  }
  return tensors;
}

void expect_matrix(const std::string& what, const at::Tensor& tensor) {
  if (tensor.dim() != 2)
    fail_expected({what, "a matrix", fmt::format("{} dimensions", tensor.dim()),
                   "adapters of convolutions are not read"});
  if (!at::isFloatingType(tensor.scalar_type()))
    fail_expected({what, "floating-point numbers", at::toString(tensor.scalar_type())});
  if (!at::isfinite(tensor).all().item<bool>()) fail_expected({what, "finite numbers", "NaN or infinity"});
}

void expect_pair(const std::string& what, const at::Tensor& a, const at::Tensor& b) {
  expect_matrix(what + kLoraA, a);
  expect_matrix(what + kLoraB, b);
  if (a.size(0) == b.size(1) && a.size(0) > 0) return;
  fail_expected({what, "A [r,in] and B [out,r]",
                 fmt::format("[{}] and [{}]", fmt::join(a.sizes(), ","), fmt::join(b.sizes(), ","))});
}

void expect_rank(const std::string& what, const AdapterConfig& config, int64_t rank) {
  if (config.sizes_differ || rank == config.size.rank) return;
  fail_expected({what, fmt::format("rank {}, as {} states", config.size.rank, kAdapterConfigFile),
                 std::to_string(rank)});
}

std::vector<AdapterLayer> read_layers(const io::TensorSource& source, const AdapterConfig& config,
                                      const std::string& file) {
  std::set<std::string> rest;
  for (const auto& info : source.tensors()) rest.insert(info.name);
  const auto as = taken(source, kLoraA, rest), bs = taken(source, kLoraB, rest);
  for (const auto* each : {&as, &bs}) {
    const auto& other = each == &as ? bs : as;
    for (const auto& [name, tensor] : *each) {
      if (!other.contains(name)) fail_expected({file, "A and B of each layer", name + " with one of them"});
    }
  }
  if (!rest.empty())
    fail_expected({file, "tensors base_model.model.NAME.lora_A.weight and lora_B.weight",
                   fmt::format("{} others: {}", rest.size(), first_few(rest))});
  if (as.empty()) fail_expected({file, "an adapter", "no tensor"});
  std::vector<AdapterLayer> layers;
  for (const auto& [name, a] : as) {
    const auto what = fmt::format("{}: {}", file, name);
    expect_pair(what, a, bs.at(name));
    expect_rank(what, config, a.size(0));
    layers.push_back({name, config.scale_of(name, a.size(0)), a, bs.at(name)});
  }
  return layers;
}

/// Returns the model's name of a layer: its own, or that of the llava-hf layout; empty if there is no matrix.
std::string name_in_model(const std::string& name, const MatrixSizes& sizes) {
  if (sizes(name)) return name;
  const auto renamed = io::model_name(llava_hf_layout(), name + std::string(kWeight));
  if (!renamed.ends_with(kWeight)) return {};
  const auto known = renamed.substr(0, renamed.size() - kWeight.size());
  return sizes(known) ? known : std::string();
}

/// Source whose adapted matrices are merged when they are read.
class MergedWeights : public io::TensorSource {
 public:
  MergedWeights(std::unique_ptr<io::TensorSource> weights, const std::vector<AdapterLayer>& layers)
      : weights_(std::move(weights)), infos_(weights_->tensors()) {
    for (const auto& layer : layers) layers_[layer.name + std::string(kWeight)] = layer;
    for (auto& info : infos_) {
      if (layers_.contains(info.name)) info.dtype = at::kFloat;
    }
  }

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override {
    auto weight = weights_->tensor(name);
    const auto found = layers_.find(name);
    if (found == layers_.end()) return weight;
    const at::NoGradGuard no_grad;
    const auto& layer = found->second;
    return at::add(weight.to(at::kFloat), at::matmul(layer.b.to(at::kFloat), layer.a.to(at::kFloat)),
                   layer.scale);
  }
  void release(const std::string& name) const override { weights_->release(name); }

 private:
  std::unique_ptr<io::TensorSource> weights_;
  std::vector<io::TensorInfo> infos_;
  std::map<std::string, AdapterLayer> layers_;
};

}  // namespace

Adapter open_adapter(const fs::path& folder) try {
  const auto config_file = folder / kAdapterConfigFile, weights = folder / kAdapterWeightsFile;
  const auto expect_file = [&](const fs::path& file, const char* hint) {
    if (is_there(file)) return;
    fail_expected({folder.string(), fmt::format("a folder with {}", file.filename().string()),
                   is_folder(folder) ? "none in it" : "no folder", hint, ErrorKind::kMissing});
  };
  expect_file(config_file, "an adapter in PEFT's format, as its save_pretrained() writes it");
  expect_file(weights, "save the adapter with safe_serialization=True");
  Adapter adapter{folder, parse_adapter_config(read_file(config_file), config_file.string()), {}};
  adapter.layers = read_layers(*io::open_safetensors(weights), adapter.config, weights.string());
  return adapter;
} catch (...) {
  rethrow_as_error();
}

std::vector<AdapterLayer> layers_for(const Adapter& adapter, const MatrixSizes& sizes) try {
  std::vector<AdapterLayer> layers;
  std::vector<std::string> unknown, misshaped;
  for (auto layer : adapter.layers) {
    const auto name = name_in_model(layer.name, sizes);
    if (name.empty()) {
      unknown.push_back(layer.name);
      continue;
    }
    const std::vector<int64_t> own{layer.b.size(0), layer.a.size(1)};
    const auto expected = sizes(name).value();
    if (own != expected) {
      misshaped.push_back(
          fmt::format("{} (expected [{}], got [{}])", name, fmt::join(expected, ","), fmt::join(own, ",")));
    }
    layer.name = name;
    layers.push_back(std::move(layer));
  }
  if (unknown.empty() && misshaped.empty()) return layers;
  auto problem =
      fmt::format("does not fit the model; it was made for {}",
                  adapter.config.base.empty() ? "a base that it does not name" : adapter.config.base);
  if (!unknown.empty())
    problem += fmt::format("; {} without a matrix: {}", unknown.size(), first_few(unknown));
  if (!misshaped.empty())
    problem += fmt::format("; {} of the wrong shape: {}", misshaped.size(), first_few(misshaped));
  fail(adapter.folder.string(), problem);
} catch (...) {
  rethrow_as_error();
}

std::unique_ptr<io::TensorSource> merged_weights(std::unique_ptr<io::TensorSource> weights,
                                                 const Adapter& adapter) {
  const auto layers =
      layers_for(adapter, [&](const std::string& name) -> std::optional<std::vector<int64_t>> {
        const auto* info = weights->find(name + std::string(kWeight));
        if (info != nullptr && !at::isFloatingType(info->dtype))
          fail_expected({info->file + ": " + info->name, "a floating-point matrix to merge an adapter into",
                         at::toString(info->dtype), "keep the adapter apart from weights of 8 bits"});
        return info == nullptr || info->shape.size() != 2 ? std::nullopt : std::optional(info->shape);
      });
  return std::make_unique<MergedWeights>(std::move(weights), layers);
}

std::optional<Adapter> adapter_beside(const fs::path& folder) {
  if (!is_there(folder / kAdapterConfigFile) || !is_there(folder / kAdapterWeightsFile)) return std::nullopt;
  return open_adapter(folder);
}

void expect_no_adapter_in(const fs::path& to) {
  if (is_there(to / kAdapterConfigFile))
    fail_expected({to.string(), "a folder without a LoRA adapter, which would be merged into the model",
                   "one with it"});
}

void expect_no_own_adapter(const fs::path& checkpoint, const fs::path& adapter) {
  if (adapter_beside(checkpoint))
    fail_expected({adapter.string(), "a model without an adapter of its own", checkpoint.string(),
                   "merge that one first, with ccexpert-train --export"});
}

io::Checkpoint open_adapted_checkpoint(const fs::path& folder, const fs::path& adapter) {
  if (adapter.empty()) return open_model_checkpoint(folder);
  auto checkpoint = open_plain_checkpoint(folder);
  expect_no_own_adapter(checkpoint.folder, adapter);
  checkpoint.weights = merged_weights(std::move(checkpoint.weights), open_adapter(adapter));
  return checkpoint;
}

LoraLayers attach_adapter(torch::nn::Module& model, const Adapter& adapter) {
  std::map<std::string, Linear*> linears;
  for_each_linear(model, [&](const std::string& name, Linear& linear) {
    if (linear.weight.dim() == 2) linears[name] = &linear;
  });
  const auto stored =
      layers_for(adapter, [&](const std::string& name) -> std::optional<std::vector<int64_t>> {
        const auto found = linears.find(name);
        return found == linears.end() ? std::nullopt : std::optional(found->second->weight.sizes().vec());
      });
  const at::NoGradGuard no_grad;
  LoraLayers layers;
  for (const auto& layer : stored) {
    auto& linear = *linears.at(layer.name);
    layers.push_back({layer.name, std::make_shared<LoraProduct>(linear, layer.a.size(0), layer.scale)});
    layers.back().product->a.copy_(layer.a);
    layers.back().product->b.copy_(layer.b);
    linear.set_product(layers.back().product, linear.product_weights());
  }
  return layers;
}

std::vector<io::NamedTensor> adapter_tensors(const LoraLayers& layers, const io::WeightLayout* layout) {
  std::vector<io::NamedTensor> tensors;
  for (const auto& own : lora_parameters(layers)) {
    const auto name = layout == nullptr ? own.name : module_name(own.name);
    tensors.push_back({std::string(kPeftPrefix) + name, own.tensor.detach()});
  }
  return tensors;
}

io::Checkpoint open_model_checkpoint(const std::filesystem::path& folder) try {
  auto checkpoint = open_plain_checkpoint(folder);
  if (const auto adapter = adapter_beside(checkpoint.folder)) {
    log::info(fmt::format("{}: the adapter in it is merged", folder.string()));
    checkpoint.weights = merged_weights(std::move(checkpoint.weights), *adapter);
  }
  return checkpoint;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
