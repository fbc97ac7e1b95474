// What commands with LibTorch say of themselves. Apart from common/, so that commands without it do not load
// it.
#pragma once

#include <string>

namespace ccexpert::tools {

/// Text of --version: versions, instruction set, GPUs.
std::string version_text(const std::string& command);

}  // namespace ccexpert::tools
