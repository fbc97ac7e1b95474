// Options of commands that load a captioner.
#pragma once

#include <filesystem>

#include <ccexpert/captioner.h>

#include "common/option_group.h"

namespace ccexpert::tools {

/// Adds --model; `use_demo_model` gives it its default.
void add_model_folder(OptionGroup& group, std::filesystem::path& model);

/// Adds --device, --dtype and --threads.
void add_device_options(OptionGroup& group, CaptionerConfig& config);

/// Adds an option for each field of the decoding options but those of minimum-Bayes-risk decoding, unless the
/// command has the scorers that it needs.
void add_decoding_options(OptionGroup& group, generate::GenerationOptions& generation, bool with_mbr);

/// Sets an empty folder to that of the demo model. Throws Error if it is not installed.
void use_demo_model(std::filesystem::path& model);

}  // namespace ccexpert::tools
