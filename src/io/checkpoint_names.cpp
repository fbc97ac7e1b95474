#include <array>
#include <span>

#include <ATen/ATen.h>

#include <ccexpert/io/checkpoint.h>

namespace ccexpert::io {
namespace {

struct Rename {
  std::string_view from;
  std::string_view to;
};

// Longer prefixes first: the first match is used.
constexpr std::array kLlavaHfNames{
    Rename{"vision_tower.vision_model.", "model.vision_tower.vision_tower.vision_model."},
    Rename{"vision_tower.", "model.vision_tower.vision_tower.vision_model."},
    Rename{"multi_modal_projector.linear_1.", "model.mm_projector.0."},
    Rename{"multi_modal_projector.linear_2.", "model.mm_projector.2."},
    Rename{"language_model.model.", "model."},
    Rename{"language_model.lm_head.", "lm_head."},
    Rename{"language_model.", "model."},
    Rename{"lm_head.", "lm_head."},
    Rename{"image_newline", "model.image_newline"}};

// The names published on hubs, which every version of transformers reads.
constexpr std::array kPublishedNames{
    Rename{"model.vision_tower.vision_tower.vision_model.", "vision_tower.vision_model."},
    Rename{"model.vision_resampler.", ""},
    Rename{"model.mm_projector.0.", "multi_modal_projector.linear_1."},
    Rename{"model.mm_projector.2.", "multi_modal_projector.linear_2."},
    Rename{"model.image_newline", "image_newline"},
    Rename{"model.", "language_model.model."},
    Rename{"lm_head.", "language_model.lm_head."}};

constexpr std::string_view kVision = "model.vision_tower.vision_tower.vision_model.";

/// Returns `name` with the first matching prefix of `renames` replaced; empty if none matches or the
/// replacement is empty.
std::string renamed(std::string_view name, std::span<const Rename> renames) {
  for (const auto& rename : renames) {
    if (!name.starts_with(rename.from)) continue;
    return rename.to.empty() ? "" : std::string(rename.to).append(name.substr(rename.from.size()));
  }
  return {};
}

}  // namespace

std::string authors_name(std::string_view name) {
  // transformers 5 puts all tensors except the head below "model.".
  constexpr std::string_view kOuter = "model.";
  if (name.starts_with(kOuter)) name.remove_prefix(kOuter.size());
  return renamed(name, kLlavaHfNames);
}

std::string llava_hf_name(std::string_view name) {
  return renamed(name, kPublishedNames);
}

bool is_known_unused(std::string_view name) {
  if (name.starts_with(kVision)) {
    name.remove_prefix(kVision.size());
    return name.starts_with("post_layernorm.") || name.starts_with("head.") ||
           name == "embeddings.position_ids";
  }
  return name == "model.image_newline" || name.starts_with("model.mm_cc_projector.") ||
         name.starts_with("model.vision_resampler.ChangeAwareTokenReduce.change_for_key_proj.") ||
         name.starts_with("model.vision_resampler.ChangeAwareTokenReduce.cross_attn.") ||
         name.ends_with(".rotary_emb.inv_freq");
}

std::vector<NamedTensor> tensors_for_others(const TensorSource& source, at::ScalarType dtype) {
  std::vector<NamedTensor> tensors;
  for (const char* part : {"weight", "bias"}) {
    const auto name = std::string(kVision) + "post_layernorm." + part;
    if (source.find(name) != nullptr) tensors.push_back({name, source.tensor(name).to(dtype).clone()});
  }
  return tensors;
}

}  // namespace ccexpert::io
