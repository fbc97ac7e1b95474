#include <ccexpert/captioner.h>

namespace ccexpert::generate {
namespace {

namespace fs = std::filesystem;

/// Returns PREFIX/share for a program PREFIX/bin/ccexpert-caption, even if PREFIX was moved; a build tree has
/// the same layout. `depth`: folders of the program below PREFIX.
fs::path data_beside_program(int depth) {
  std::error_code code;
  auto prefix = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (int level = 0; level < depth; ++level) prefix = prefix.parent_path();
  return code ? fs::path() : prefix / CCEXPERT_DATA_FOLDER;
}

}  // namespace

fs::path demo_model() {
  // PREFIX/bin, or PREFIX/libexec/ccexpert.
  for (const fs::path& data :
       {data_beside_program(1), data_beside_program(2), fs::path(CCEXPERT_INSTALLED_DATA)}) {
    auto model = data / "ccexpert/models/demo";
    std::error_code code;
    if (!data.empty() && fs::exists(model / "config.json", code)) return model;
  }
  return {};
}

}  // namespace ccexpert::generate
