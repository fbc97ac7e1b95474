// Text files of a checkpoint in the layout that it is saved in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/config.h>

namespace ccexpert::train {

/// Model to describe in the texts.
struct SavedModel {
  const model::ModelConfig& config;
  const image::PreprocessConfig& preprocess;
  at::ScalarType dtype;            ///< of the weights
  std::string_view original_json;  ///< the original config.json, of any layout
  io::CheckpointLayout layout;     ///< to save in
};

struct SavedTexts {
  std::string config_json;
  std::vector<io::CompanionFile> companions;
};

/// Returns config.json and companions in the layout. For llava-hf, <image> and <video> are added to a
/// tokenizer that lacks them, and the processor files are those of LlavaOnevisionProcessor; for lmms these
/// are removed. Throws Error for a model that the layout cannot express.
SavedTexts saved_texts(const SavedModel& model, std::vector<io::CompanionFile> companions);

/// Returns the text of preprocessor_config.json for a SigLIP tower.
std::string siglip_processor_json(const image::PreprocessConfig& preprocess);

}  // namespace ccexpert::train
