#include "versions/versions.h"

#include <fmt/format.h>

#include <ccexpert/version.h>

#include "kernels/engine.h"

namespace ccexpert::tools {
namespace {

/// Returns a line for each precision on a CPU.
std::string engines_text() {
  const auto fastest = kernels::fastest_precision();
  std::string text;
  for (const auto precision :
       {Precision::kFloat32, Precision::kBfloat16, Precision::kFloat16, Precision::kInt8}) {
    text += fmt::format("\n  {:<9} {}{}", name_of(precision), kernels::engine_name(precision),
                        precision == fastest ? " (auto)" : "");
  }
  return text;
}

}  // namespace

std::string version_text(const std::string& command) {
  const auto info = generate::build_info();
  return fmt::format("{} {}\nLibTorch {}\nCPU {}\nGPU {}\nCPU engines by --dtype:{}", command, info.version,
                     info.libtorch, info.cpu, info.gpu, engines_text());
}

}  // namespace ccexpert::tools
