// Recognition of folders that are not supported checkpoints, with remedies.
#pragma once

#include <filesystem>
#include <string_view>

#include <ccexpert/io/checkpoint.h>

namespace ccexpert::io {

/// Throws the Error of a folder without config.json: an adapter, a GGUF model, a diffusion model, a
/// tokenizer, a training run, only weights, or an empty folder.
[[noreturn]] void fail_without_config(const std::filesystem::path& folder);

/// Throws Error if config.json describes another model than the known ones (any if none is named), by its
/// architectures, model_type or quantisation, or if the folder contains only an adapter. A config without a
/// model name passes: its tensors decide. The parser of its architecture checks its parts.
void expect_known_model(const std::filesystem::path& folder, std::string_view config_json,
                        const KnownModels& known);

/// Throws Error if config.json is that of a quantised model, or if the folder contains only an adapter.
void expect_part(const std::filesystem::path& folder, std::string_view config_json);

/// Throws the Error of a folder with an adapter.
[[noreturn]] void fail_for_adapter(const std::filesystem::path& folder);

}  // namespace ccexpert::io
