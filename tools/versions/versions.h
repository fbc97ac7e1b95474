// Version text of commands with LibTorch. Separate from common/, so that other commands do not load LibTorch.
#pragma once

#include <string>

namespace ccexpert::tools {

/// Returns the text of --version: versions, instruction set, GPUs, engines.
std::string version_text(const std::string& command);

}  // namespace ccexpert::tools
