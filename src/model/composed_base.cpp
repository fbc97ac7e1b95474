#include "model/shared/composed_base.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "model/composed_config.h"
#include "model/mlp_projector.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

constexpr std::string_view kPatchWeight = "embeddings.patch_embedding.weight";
constexpr std::string_view kPositionWeight = "embeddings.position_embedding.weight";

/// Tensors of other sources under new names, and tensors in memory.
class ComposedTensors : public io::TensorSource {
 public:
  void add(const std::string& name, const io::TensorSource& source, const io::TensorInfo& info) {
    origins_[name] = {&source, info.name};
    infos_.push_back({name, info.dtype, info.shape, info.file});
  }
  void add(const std::string& name, const at::Tensor& tensor, const std::string& file) {
    own_[name] = tensor;
    infos_.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), file});
  }
  /// Keeps a source of added tensors alive.
  void keep(std::unique_ptr<io::TensorSource> source) { sources_.push_back(std::move(source)); }
  void sort() { std::ranges::sort(infos_, {}, &io::TensorInfo::name); }

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override {
    if (const auto found = own_.find(name); found != own_.end()) return found->second;
    const auto found = origins_.find(name);
    if (found == origins_.end()) fail_expected({"composed base", "a name of its tensors", name});
    return found->second.source->tensor(found->second.name);
  }
  void release(const std::string& name) const override {
    const auto found = origins_.find(name);
    if (found != origins_.end()) found->second.source->release(found->second.name);
  }

 private:
  struct Origin {
    const io::TensorSource* source;
    std::string name;
  };
  std::vector<std::unique_ptr<io::TensorSource>> sources_;
  std::unordered_map<std::string, Origin> origins_;
  std::unordered_map<std::string, at::Tensor> own_;
  std::vector<io::TensorInfo> infos_;
};

/// Returns a tensor's name in the tower; empty for one of another part. Files of a tower alone may have no
/// prefix.
std::string_view name_in_tower(std::string_view name) {
  constexpr std::string_view kPrefix = "vision_model.";
  if (name.starts_with(kPrefix)) return name.substr(kPrefix.size());
  constexpr const char* kParts[] = {"embeddings.", "encoder.", "post_layernorm.", "head."};
  const bool bare = std::ranges::any_of(kParts, [&](const char* part) { return name.starts_with(part); });
  return bare ? name : std::string_view();
}

/// Returns a tensor of NaFlex after a check of its shape.
at::Tensor checked(const io::TensorSource& source, const io::TensorInfo& info,
                   const std::vector<int64_t>& shape) {
  if (info.shape != shape) {
    fail_expected({fmt::format("{}: {}", info.file, info.name),
                   fmt::format("shape [{}]", fmt::join(shape, ",")),
                   fmt::format("[{}]", fmt::join(info.shape, ","))});
  }
  return source.tensor(info.name);
}

/// Converts the patch embedding [D,p*p*3], which reads channels last, to a kernel [D,3,p,p].
at::Tensor as_kernel(const at::Tensor& weight, int64_t patch) {
  return weight.reshape({weight.size(0), patch, patch, 3}).permute({0, 3, 1, 2}).contiguous();
}

/// Resizes positions [g*g,D] to [grid*grid,D], in float32.
at::Tensor on_grid(const at::Tensor& positions, int64_t side, int64_t grid) {
  if (side == grid) return positions;
  const auto plane = positions.to(at::kFloat).t().reshape({1, positions.size(1), side, side});
  const auto resized = at::_upsample_bilinear2d_aa(plane, {grid, grid}, /*align_corners=*/false);
  return resized.flatten(2).squeeze(0).t().contiguous();
}

/// Returns the two embeddings of NaFlex as those of a fixed square; undefined for other tensors.
at::Tensor fixed_embedding(const io::TensorSource& source, const io::TensorInfo& info, std::string_view name,
                           const TowerConfig& tower) {
  const int64_t width = tower.sizes.hidden_size, patch = tower.sizes.patch_size, side = tower.naflex_grid;
  if (name == kPatchWeight) return as_kernel(checked(source, info, {width, patch * patch * 3}), patch);
  if (name == kPositionWeight)
    return on_grid(checked(source, info, {side * side, width}), side, tower.sizes.grid());
  return {};
}

void add_tower(ComposedTensors& tensors, const io::TensorSource& source, const TowerConfig& tower) {
  for (const auto& info : source.tensors()) {
    const auto inner = name_in_tower(info.name);
    if (inner.empty()) continue;
    const auto name = std::string(weight_names::kSiglip).append(inner);
    const auto fixed = tower.naflex_grid > 0 ? fixed_embedding(source, info, inner, tower) : at::Tensor();
    if (fixed.defined()) {
      tensors.add(name, fixed, info.file);
    } else {
      tensors.add(name, source, info);
    }
  }
}

/// Adds all tensors, but not the copy of the embedding that some files store as the head of a tied model.
void add_decoder(ComposedTensors& tensors, const io::TensorSource& source, bool tied) {
  for (const auto& info : source.tensors()) {
    if (!tied || info.name != weight_names::kHeadWeight) tensors.add(info.name, source, info);
  }
}

void add_projector(ComposedTensors& tensors, int64_t in, int64_t out, const FreshWeights& fresh) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(fresh.seed);
  for (auto& item : MlpProjector(in, out, at::kFloat).named_parameters()) {
    auto& values = item.value();
    if (values.dim() == 1) {
      values.zero_();
    } else {
      values.normal_(0.0, fresh.deviation, generator);
    }
    tensors.add(std::string(weight_names::kProjector) + item.key(), values.detach(), "fresh projector");
  }
}

}  // namespace

ComposedBase compose_base(BaseParts parts, const ComposeOptions& options) try {
  const auto tower = read_tower_config(parts.vision, options);
  ComposedBase base{.config_json = composed_config_json(parts, tower.sizes), .weights = nullptr};
  const auto config = parse_model_config(base.config_json, "config.json");
  auto tensors = std::make_unique<ComposedTensors>();
  add_tower(*tensors, *parts.vision.weights, tower);
  add_decoder(*tensors, *parts.decoder.weights, config.decoder.tie_word_embeddings);
  add_projector(*tensors, config.vision.hidden_size, config.decoder.hidden_size, options.fresh);
  tensors->keep(std::move(parts.vision.weights));
  tensors->keep(std::move(parts.decoder.weights));
  tensors->sort();
  base.weights = std::move(tensors);
  return base;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
