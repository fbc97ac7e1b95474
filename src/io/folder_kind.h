// What a folder holds that is no checkpoint of ours, and what to do about it.
#pragma once

#include <filesystem>
#include <string_view>

namespace ccexpert::io {

/// Throws the Error of a folder without config.json: an adapter, a GGUF model, a diffusion model, a
/// tokenizer, a training run, weights alone, nothing.
[[noreturn]] void fail_without_config(const std::filesystem::path& folder);

/// Throws Error if config.json says another model than CCExpert or a LLaVA-OneVision base, by its
/// architectures, model_type, parts or quantisation, or if the folder holds an adapter alone. A config that
/// names no model passes: its tensors decide.
void expect_known_model(const std::filesystem::path& folder, std::string_view config_json);

/// Throws the Error of a folder with an adapter.
[[noreturn]] void fail_for_adapter(const std::filesystem::path& folder);

}  // namespace ccexpert::io
