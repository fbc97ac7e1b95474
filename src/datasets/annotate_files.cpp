#include "datasets/annotate_files.h"

#include <ccexpert/core/error.h>

namespace ccexpert::datasets {
namespace fs = std::filesystem;

void make_folder_of(const fs::path& file) {
  const auto folder = file.parent_path();
  std::error_code code;
  if (!folder.empty()) fs::create_directories(folder, code);
  if (code) fail(folder.string(), "cannot be made", code.message());
}

}  // namespace ccexpert::datasets
