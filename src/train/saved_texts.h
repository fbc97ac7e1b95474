// The texts of a checkpoint in the layout that it is saved in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/config.h>

namespace ccexpert::train {

/// "lmms" (the authors' layout, which is lmms-lab's where there is no Diff Expert) or "llava-hf"; Error for
/// any other name.
io::CheckpointLayout layout_from_name(std::string_view name);

/// The model that texts are about.
struct SavedModel {
  const ModelConfig& config;
  const PreprocessConfig& preprocess;
  at::ScalarType dtype;            ///< of the weights
  std::string_view original_json;  ///< the config.json that it began with, of any layout
  io::CheckpointLayout layout;     ///< to save in
};

struct SavedTexts {
  std::string config_json;
  std::vector<io::CompanionFile> companions;
};

/// config.json and companions in the layout. For llava-hf the tokenizer gets <image> and <video> where it
/// lacks them, and the processor's files are those of LlavaOnevisionProcessor; for lmms those are left out.
/// Throws Error for a model that the layout does not hold.
SavedTexts saved_texts(const SavedModel& model, std::vector<io::CompanionFile> companions);

}  // namespace ccexpert::train
