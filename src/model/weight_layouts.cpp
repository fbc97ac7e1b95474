#include <array>

#include <ATen/ATen.h>

#include <ccexpert/model/weight_layouts.h>

#include "core/foreign_errors.h"
#include "model/architectures.h"
#include "model/separate_tower.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

using io::RenamedPrefix;

// Longer prefixes first: the first match is used.
constexpr std::array kFromLlavaHf{
    RenamedPrefix{"vision_tower.vision_model.", weight_names::kSiglip},
    RenamedPrefix{"vision_tower.", weight_names::kSiglip},
    RenamedPrefix{"multi_modal_projector.linear_1.", weight_names::kProjectorIn},
    RenamedPrefix{"multi_modal_projector.linear_2.", weight_names::kProjectorOut},
    RenamedPrefix{"language_model.model.", weight_names::kTrunk},
    RenamedPrefix{"language_model.lm_head.", weight_names::kHead},
    RenamedPrefix{"language_model.", weight_names::kTrunk},
    RenamedPrefix{"lm_head.", weight_names::kHead},
    RenamedPrefix{"image_newline", weight_names::kImageNewline}};

// The names published on hubs, which every version of transformers reads.
constexpr std::array kToLlavaHf{RenamedPrefix{weight_names::kSiglip, "vision_tower.vision_model."},
                                RenamedPrefix{weight_names::kDiffExpert, ""},
                                RenamedPrefix{weight_names::kProjectorIn, "multi_modal_projector.linear_1."},
                                RenamedPrefix{weight_names::kProjectorOut, "multi_modal_projector.linear_2."},
                                RenamedPrefix{weight_names::kImageNewline, "image_newline"},
                                RenamedPrefix{weight_names::kTrunk, "language_model.model."},
                                RenamedPrefix{weight_names::kHead, "language_model.lm_head."}};

constexpr std::array kVocabulary{weight_names::kEmbeddingWeight, weight_names::kHeadWeight};

io::KnownModels known_models() {
  io::KnownModels known;
  for (const auto& architecture : architectures()) {
    known.types.push_back(architecture.type);
    known.class_names.push_back(architecture.class_name);
    const auto* layout = architecture.layout();
    if (layout != nullptr) known.layouts.push_back(layout);
  }
  return known;
}

}  // namespace

const io::WeightLayout& llava_hf_layout() {
  static constexpr io::WeightLayout kLayout{
      .name = "llava-hf",
      .mark = "multi_modal_projector.",
      .outer = "model.",  // transformers 5 puts it before all tensors except the head
      .to_model = kFromLlavaHf,
      .to_files = kToLlavaHf,
      .vocabulary = kVocabulary,
      .vocabulary_rows = lmms_vocabulary_rows};
  return kLayout;
}

const io::WeightLayout* weight_layout(io::CheckpointLayout layout) {
  return layout == io::CheckpointLayout::kLlavaHf ? &llava_hf_layout() : nullptr;
}

io::Checkpoint open_plain_checkpoint(const std::filesystem::path& folder) try {
  auto checkpoint = io::open_checkpoint(folder, known_models());
  add_separate_tower(checkpoint);
  return checkpoint;
} catch (...) {
  rethrow_as_error();
}

int64_t lmms_vocabulary_rows(int64_t llava_hf_rows) {
  // Qwen2's 0.5B and 7B: the conversion script adds two tokens and rounds up to 64 rows.
  if (llava_hf_rows == 152'000) return 151'936;
  if (llava_hf_rows == 152'128) return 152'064;
  return llava_hf_rows;
}

bool is_known_unused(std::string_view name) {
  if (name.starts_with(weight_names::kSiglip)) {
    name.remove_prefix(weight_names::kSiglip.size());
    return name.starts_with("post_layernorm.") || name.starts_with("head.") ||
           name == "embeddings.position_ids";
  }
  if (name.starts_with(weight_names::kWeighting)) {
    name.remove_prefix(weight_names::kWeighting.size());
    return name.starts_with("change_for_key_proj.") || name.starts_with("cross_attn.");
  }
  return name == weight_names::kImageNewline || name.starts_with(weight_names::kEarlierProjector) ||
         name.ends_with(".rotary_emb.inv_freq");
}

std::vector<io::NamedTensor> tensors_for_others(const io::TensorSource& source, at::ScalarType dtype) try {
  std::vector<io::NamedTensor> tensors;
  for (const char* part : {"weight", "bias"}) {
    const auto name = std::string(weight_names::kSiglip) + "post_layernorm." + part;
    if (source.find(name) != nullptr) tensors.push_back({name, source.tensor(name).to(dtype).clone()});
  }
  return tensors;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
