#include "versions/versions.h"

#include <fmt/format.h>

#include <ccexpert/version.h>

namespace ccexpert::tools {

std::string version_text(const std::string& command) {
  const auto info = generate::build_info();
  return fmt::format("{} {}\nLibTorch {}\nCPU {}\nGPU {}", command, info.version, info.libtorch, info.cpu,
                     info.gpu);
}

}  // namespace ccexpert::tools
