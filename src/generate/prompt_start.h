// Start of the prompts of an int8 model, which is computed in float32.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/generate/loaded_model.h>

#include "generate/opened_model.h"
#include "model/shared/prompt_prefix.h"

namespace ccexpert::generate {

/// File of a quantised folder; "prompt_prefix" of "ccexpert_quantization" in its config.json names it.
inline constexpr const char* kPrefixFile = "prompt_prefix.safetensors";

/// Prefix, and its weights.
struct PromptStart {
  model::PromptPrefix prefix;
  bool rounded = false;  ///< true: of the rounded weights, since the checkpoint has no others

  /// Returns how many tokens of each prompt the prefix has: those that are the same from the first on.
  std::vector<int64_t> lengths(const std::vector<std::vector<int64_t>>& prompts) const;
  /// Returns "first 21 tokens of prompts in float32", with the weights if they are rounded.
  std::string description() const;
};

/// Returns the tokens of the model's own question before its first image.
std::vector<int64_t> tokens_before_images(const ModelSettings& settings);

/// Returns the stored prefix of a quantised folder; else computes that of the model's own question. Nothing
/// if an image comes first.
std::optional<PromptStart> prompt_start(const OpenedModel& opened, const ModelSettings& settings);

/// Writes the prefix to kPrefixFile in `folder`, which is created if needed.
void write_prefix(const std::filesystem::path& folder, const model::PromptPrefix& prefix);

/// Reads the prefix that the config.json of a quantised folder names; nothing if it names none. Throws Error
/// for a file that is missing or does not fit the decoder.
std::optional<model::PromptPrefix> read_prefix(const io::Checkpoint& checkpoint,
                                               const model::DecoderConfig& decoder);

}  // namespace ccexpert::generate
