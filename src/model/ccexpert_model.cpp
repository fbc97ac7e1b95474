#include <algorithm>
#include <iterator>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/ccexpert_model.h>

#include "model/architectures.h"
#include "model/clip.h"
#include "model/mlp_projector.h"
#include "model/siglip.h"
#include "runtime/staging.h"

namespace ccexpert::model {
namespace {

/// Selects the images of one date, [2B,N,D] to [B,N,D]: 0 before, 1 after.
at::Tensor date(const at::Tensor& images, int64_t which) {
  return images.slice(0, which, std::nullopt, 2);
}

/// Interleaves two [B,N,D] to [2B,N,D].
at::Tensor interleave(const at::Tensor& before, const at::Tensor& after) {
  return at::stack({before, after}, 1).flatten(0, 1);
}

/// Returns the text ids of all rows, concatenated.
at::Tensor text_ids(const std::vector<std::vector<int64_t>>& ids) {
  std::vector<int64_t> text;
  for (const auto& row : ids) {
    std::copy_if(row.begin(), row.end(), std::back_inserter(text), [](int64_t id) { return id >= 0; });
  }
  return at::tensor(text, at::kLong);
}

/// Returns "no image placeholder", "1 image placeholder", "two image placeholders", "3 image placeholders".
std::string placeholders(int64_t images) {
  const auto number = images == 0 ? "no" : images == 2 ? "two" : std::to_string(images);
  return fmt::format("{} image placeholder{}", number, images > 1 ? "s" : "");
}

void expect_images(const std::vector<int64_t>& ids, size_t row, int64_t images) {
  const auto found = std::count_if(ids.begin(), ids.end(), [](int64_t id) { return id < 0; });
  if (found == images) return;
  fail_expected({fmt::format("prompt {}", row), placeholders(images), std::to_string(found)});
}

std::shared_ptr<VisionTower> make_tower(const VisionConfig& config, const std::vector<int64_t>& layers,
                                        const at::TensorOptions& options) {
  if (config.tower == TowerKind::kClip) return std::make_shared<ClipVision>(config, layers, options);
  return std::make_shared<SiglipVision>(config, layers, options);
}

}  // namespace

ModelParts llava_parts(const ModelConfig& config, const at::TensorOptions& options) {
  config.validate();
  // Without a Diff Expert only the deepest features are used.
  const auto layers =
      config.diff_expert ? config.vision_layers : std::vector<int64_t>{config.vision_layers.back()};
  return {.vision = make_tower(config.vision, layers, options),
          .connector =
              std::make_shared<MlpProjector>(config.vision.hidden_size, config.decoder.hidden_size, options)};
}

CcexpertModel::CcexpertModel(const ModelConfig& config, const at::TensorOptions& options)
    : CcexpertModel(config, options, architecture_named(config.architecture).build(config, options)) {}

CcexpertModel::CcexpertModel(const ModelConfig& config, const at::TensorOptions& options, ModelParts parts)
    : config_(config), options_(options) {
  config.validate();
  auto trunk = register_module("model", std::make_shared<ModuleGroup>());
  // The checkpoint's names repeat the tower: model.vision_tower.vision_tower.vision_model.
  auto tower = trunk->add("vision_tower", std::make_shared<ModuleGroup>())
                   ->add("vision_tower", std::make_shared<ModuleGroup>());
  vision_ = tower->add("vision_model", std::move(parts.vision));
  if (config.diff_expert) {
    diff_expert_ = trunk->add("vision_resampler", std::make_shared<DiffExpert>(*config.diff_expert, options));
  }
  connector_ = trunk->add("mm_projector", std::move(parts.connector));
  if (config.image_newline) {
    image_newline_ = trunk->add("image_newline", at::empty({config.decoder.hidden_size}, options));
  }
  decoder_ = std::make_shared<Decoder>(config.decoder, options);
  // The decoder's parts are next to the tower under one name, so they are registered here and not as a child.
  for (auto& child : decoder_->named_children()) {
    if (child.key() == "model") {
      for (auto& part : child.value()->named_children()) trunk->add(part.key(), part.value());
    } else {
      register_module(child.key(), child.value());
    }
  }
}

void CcexpertModel::set_runner(const BlockRunnerRef& runner) {
  vision_->set_runner(runner);
  if (diff_expert_) diff_expert_->set_runner(runner);
  connector_->set_runner(runner);
  decoder_->set_runner(runner);
}

void CcexpertModel::set_recompute(bool on) {
  if (on) {
    set_runner(std::make_shared<RecomputingRunner>());
  } else {
    set_runner(std::make_shared<PlainRunner>());
  }
}

std::vector<at::Tensor> CcexpertModel::vision_features(const at::Tensor& pixels) const {
  return vision_->forward(pixels);
}

ImageTokens CcexpertModel::fuse(const std::vector<at::Tensor>& features) const {
  if (!diff_expert_) return {features.back(), {}, {}};
  std::vector<at::Tensor> before, after;
  for (const auto& scale : features) {
    const auto patches = patch_features(scale);
    before.push_back(date(patches, 0));
    after.push_back(date(patches, 1));
  }
  const auto fused = diff_expert_->forward(before, after);
  auto tokens = interleave(fused.before, fused.after);
  // A class token has no place in the grid of the Diff Expert and passes by it.
  const int64_t outside = vision_->class_tokens();
  if (outside > 0) tokens = at::cat({features.back().narrow(1, 0, outside), tokens}, 1);
  return {tokens, fused.change, fused.scale_weights};
}

at::Tensor CcexpertModel::patch_features(const at::Tensor& features) const {
  return features.slice(1, vision_->class_tokens());
}

ImageTokens CcexpertModel::encode_images(const at::Tensor& pixels) const {
  auto images = fuse(vision_features(pixels));
  images.tokens = project(images.tokens);
  return images;
}

at::Tensor CcexpertModel::project(const at::Tensor& features) const {
  auto tokens = connector_->forward(features);
  if (!image_newline_.defined()) return tokens;
  return at::cat({tokens, image_newline_.expand({tokens.size(0), 1, -1})}, 1);
}

PaddedSequences CcexpertModel::splice(const std::vector<std::vector<int64_t>>& ids,
                                      const at::Tensor& image_tokens, int64_t images_per_row) const {
  if (ids.empty()) fail_expected({"prompts", "at least one", "none"});
  const int64_t all_images = images_per_row * std::ssize(ids);
  if (image_tokens.size(0) < all_images) {
    fail_expected({"image tokens", fmt::format("those of {} images", all_images),
                   std::to_string(image_tokens.size(0))});
  }
  // One lookup for all rows: every lookup's gradient is as large as the vocabulary's embedding, and every
  // copy to a GPU makes the host wait.
  const auto text = decoder_->embed(runtime::staged(text_ids(ids), image_tokens.device()));
  std::vector<at::Tensor> rows;
  PaddedSequences padded;
  const auto images = image_tokens.unbind(0);
  size_t image = 0;
  int64_t word = 0;
  for (size_t row = 0; row < ids.size(); ++row) {
    expect_images(ids[row], row, images_per_row);
    std::vector<at::Tensor> pieces;
    for (auto start = ids[row].begin(); start != ids[row].end();) {
      if (*start < 0) {
        pieces.push_back(images[image++]);
        ++start;
        continue;
      }
      const auto end = std::find_if(start, ids[row].end(), [](int64_t id) { return id < 0; });
      pieces.push_back(text.slice(0, word, word + (end - start)));
      word += end - start;
      start = end;
    }
    rows.push_back(at::cat(pieces, 0));  // [T,H]
    padded.lengths.push_back(rows.back().size(0));
  }
  const int64_t longest = *std::max_element(padded.lengths.begin(), padded.lengths.end());
  for (auto& row : rows) row = at::constant_pad_nd(row, {0, 0, 0, longest - row.size(0)});
  padded.embeddings = at::stack(rows);  // [B,T,H]
  return padded;
}

}  // namespace ccexpert::model
