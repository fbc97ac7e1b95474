/// A model with all that its checkpoint folder states about its use.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/generate/generation_config.h>
#include <ccexpert/image/preprocess.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/text/prompt.h>

namespace ccexpert::generate {

/// Texts of a checkpoint folder, except for the tokenizer's.
struct CheckpointTexts {
  std::filesystem::path folder;     ///< of the checkpoint
  std::string config_json;          ///< text of config.json
  std::string preprocessor_json;    ///< empty: the processor's defaults
  std::string preprocessor_source;  ///< place of preprocessor_json, for messages
  std::string generation_json;      ///< empty: the defaults of generation
};

CheckpointTexts texts_of(const io::Checkpoint& checkpoint);  ///< Reads them

/// Settings of a model for captions, besides weights.
struct ModelSettings {
  int64_t vocabulary;                                ///< V, rows of the model's embedding
  std::unique_ptr<const text::Tokenizer> tokenizer;  ///< of the checkpoint
  text::PromptFormat prompt;                         ///< question and chat template
  image::PreprocessConfig preprocess;                ///< of images
  CheckpointGeneration generation;                   ///< decoding settings of the checkpoint
  std::string question;                              ///< default question

  /// Returns the decoding settings for `asked`; see CheckpointGeneration::decoding.
  DecodingConfig decoding(const GenerationOptions& asked) const;
  /// Returns the token that usually ends a caption.
  int64_t end_of_turn() const;
};

/// Reads the settings from `texts` and from the tokenizer in their folder. `config` is that of config.json,
/// possibly adapted. The question is `question`, else the one that config.json names, else that of the
/// reference implementation. Throws Error for invalid files, and for a tokenizer that does not fit the model.
ModelSettings read_model_settings(const CheckpointTexts& texts, const model::ModelConfig& config,
                                  std::string question = {});

struct LoadedModel : ModelSettings {            ///< Model with all settings of its checkpoint
  std::shared_ptr<model::CcexpertModel> model;  ///< with its weights
};

/// Writes the preprocessed image `index` [3,P,P] into `slot`. Called on several threads.
using PixelWriter = std::function<void(int64_t index, std::span<float> slot)>;

/// Returns `images` images of side P as [I,3,P,P] in float32 on the CPU.
at::Tensor load_pixels(int64_t images, int64_t side, const PixelWriter& write);

}  // namespace ccexpert::generate
