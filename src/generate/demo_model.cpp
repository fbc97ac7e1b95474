#include <ccexpert/captioner.h>

namespace ccexpert::generate {
namespace {

namespace fs = std::filesystem;

/// Returns PREFIX/share for a program PREFIX/bin/ccexpert-caption, even if PREFIX was moved; a build tree has
/// the same layout.
fs::path data_beside_program() {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  return code ? fs::path() : program.parent_path().parent_path() / CCEXPERT_DATA_FOLDER;
}

}  // namespace

fs::path demo_model() {
  for (const fs::path& data : {data_beside_program(), fs::path(CCEXPERT_INSTALLED_DATA)}) {
    auto model = data / "ccexpert/models/demo";
    std::error_code code;
    if (!data.empty() && fs::exists(model / "config.json", code)) return model;
  }
  return {};
}

}  // namespace ccexpert::generate
