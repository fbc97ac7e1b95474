#include "model/separate_tower.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/json.h"
#include "model/config_checks.h"
#include "model/config_parts.h"
#include "model/llava_config.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The prefix of the tower's names in its own folder; other tensors there belong to CLIP's text encoder.
constexpr std::string_view kOwnPrefix = "vision_model.";
constexpr const char* kTowerType = "clip_vision_model";

bool has_tower(const io::TensorSource& weights) {
  return std::any_of(weights.tensors().begin(), weights.tensors().end(),
                     [](const auto& info) { return info.name.starts_with(weight_names::kVisionTower); });
}

/// Tensors of a model, and of its tower by the model's names.
class WithTower : public io::TensorSource {
 public:
  WithTower(std::unique_ptr<io::TensorSource> model, std::unique_ptr<io::TensorSource> tower)
      : model_(std::move(model)), tower_(std::move(tower)), infos_(model_->tensors()) {
    for (auto info : tower_->tensors()) {
      if (!info.name.starts_with(kOwnPrefix)) continue;
      info.name.replace(0, kOwnPrefix.size(), weight_names::kSiglip);
      infos_.push_back(std::move(info));
    }
    std::sort(infos_.begin(), infos_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override {
    return is_of_tower(name) ? tower_->tensor(own_name(name)) : model_->tensor(name);
  }
  void release(const std::string& name) const override {
    is_of_tower(name) ? tower_->release(own_name(name)) : model_->release(name);
  }

 private:
  static bool is_of_tower(const std::string& name) { return name.starts_with(weight_names::kSiglip); }
  static std::string own_name(std::string name) {
    return name.replace(0, weight_names::kSiglip.size(), kOwnPrefix);
  }

  std::unique_ptr<io::TensorSource> model_, tower_;
  std::vector<io::TensorInfo> infos_;
};

/// Returns the names that the folder of a tower may have: "openai/x" is x, or models--openai--x in a cache.
/// config.json may come from anybody, so that its name leads to no other place.
std::vector<fs::path> folder_names(const std::string& tower) {
  std::string cached = "models--" + tower;
  for (size_t at = cached.find('/'); at != std::string::npos; at = cached.find('/', at))
    cached.replace(at, 1, "--");
  const fs::path whole(tower), last = whole.filename();
  std::vector<fs::path> names;
  if (last != "." && last != "..") names.push_back(last);
  if (whole.is_relative() && std::ranges::find(whole, fs::path("..")) == whole.end()) names.push_back(whole);
  names.emplace_back(cached);
  return names;
}

/// Returns the folder that holds the checkpoint's: that of the cache if it is a snapshot.
fs::path parent_of(const fs::path& folder) {
  const auto parent = folder.parent_path();
  return parent.filename() == "snapshots" ? parent.parent_path().parent_path() : parent;
}

fs::path tower_folder(const fs::path& checkpoint, const std::string& tower) {
  auto folder = fs::absolute(checkpoint).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (const auto& place : {folder, parent_of(folder)}) {
    for (const auto& name : folder_names(tower)) {
      if (!name.empty() && is_folder(place / name)) return place / name;
    }
  }
  fail_expected(
      {(checkpoint / "config.json").string() + ": mm_vision_tower",
       "the tower's weights in the checkpoint or beside its folder",
       tower.empty() ? "no name" : tower + " in neither",
       fmt::format("put its folder there as {}", (parent_of(folder) / fs::path(tower).filename()).string())});
}

/// Returns the sizes in the tower's own config.json; those that it lacks are the defaults of transformers.
json tower_config(const io::Checkpoint& tower) {
  const auto source = (tower.folder / "config.json").string();
  const json whole = parse_json(tower.config_json, source);
  expect(whole.is_object(), source, "a JSON object", whole.type_name());
  const bool alone = whole.value("model_type", json()) == kTowerType;
  const json part = alone ? whole : whole.value("vision_config", json());
  if (!part.is_object()) return {};
  VisionConfig sizes{.hidden_size = 768,
                     .intermediate_size = 3072,
                     .num_hidden_layers = 12,
                     .num_attention_heads = 12,
                     .image_size = 224,
                     .patch_size = 32,
                     .layer_norm_eps = 1e-5,
                     .hidden_act = Activation::kQuickGelu,
                     .tower = TowerKind::kClip};
  read_part(part, sizes, source);
  json stated = fields_json(sizes);
  stated["model_type"] = kTowerType;
  return stated;
}

}  // namespace

void add_separate_tower(io::Checkpoint& checkpoint) {
  const auto source = (checkpoint.folder / "config.json").string();
  json config = parse_json(checkpoint.config_json, source);
  if (!is_llava15(config) || has_tower(*checkpoint.weights)) return;
  const auto name = json_value(config, "mm_vision_tower", std::string(), source);
  auto tower = io::open_checkpoint(tower_folder(checkpoint.folder, name));
  if (!states(config, "vision_config")) {
    config["vision_config"] = tower_config(tower);
    checkpoint.config_json = config.dump(2) + "\n";
  }
  checkpoint.weights = std::make_unique<WithTower>(std::move(checkpoint.weights), std::move(tower.weights));
  checkpoint.tower_folder = tower.folder;
}

}  // namespace ccexpert::model
