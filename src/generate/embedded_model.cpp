#include <ccexpert/captioner.h>

namespace ccexpert {
namespace {

namespace fs = std::filesystem;

/// Beside an installed command: PREFIX/bin/ccexpert-caption, PREFIX/share/ccexpert/models.
fs::path beside_program() {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  return code ? fs::path() : program.parent_path().parent_path() / "share/ccexpert/models";
}

}  // namespace

fs::path embedded_model() {
  for (const fs::path& models :
       {beside_program(), fs::path(CCEXPERT_INSTALLED_MODELS), fs::path(CCEXPERT_SOURCE_MODELS)}) {
    std::error_code code;
    if (!models.empty() && fs::exists(models / "demo/config.json", code)) return models / "demo";
  }
  return {};
}

}  // namespace ccexpert
