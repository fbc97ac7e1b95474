#include "core/folder_entries.h"

#include <algorithm>

#include <ccexpert/core/error.h>

#include "core/files.h"

namespace ccexpert {

std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder, size_t limit) {
  std::vector<std::filesystem::path> entries;
  std::error_code code;
  for (std::filesystem::directory_iterator each(folder, code), end; !code && each != end;
       each.increment(code)) {
    if (entries.size() >= limit) break;
    entries.push_back(each->path());
  }
  if (code) fail_system(folder.string(), "folder cannot be read", code.value());
  std::sort(entries.begin(), entries.end());
  return entries;
}

void expect_free_folder(const std::filesystem::path& folder) {
  if (!is_there(folder) || (is_folder(folder) && folder_entries(folder, 1).empty())) return;
  fail_expected({folder.string(), "a folder that is empty or does not exist yet",
                 is_folder(folder) ? "one with files" : "a file"});
}

}  // namespace ccexpert
