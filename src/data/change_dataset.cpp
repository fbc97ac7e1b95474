#include <ccexpert/core/error.h>
#include <ccexpert/data/change_dataset.h>

#include "core/foreign_errors.h"
#include "core/json_list.h"
#include "core/text_file.h"
#include "data/entries.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The limit for configuration files is too small for several hundred thousand pairs.
constexpr size_t kMaxBytes = size_t{8} << 30;

}  // namespace

std::vector<ChangeExample> read_change_dataset(const fs::path& file, const fs::path& image_root) try {
  const fs::path root = image_root.empty() ? folder_of_list(file) : image_root;
  std::vector<ChangeExample> examples;
  UidIndex uids;
  visit_entries(read_text_file(file, kMaxBytes), file.string(),
                [&](const json& entry, const std::string& where) {
                  const auto read = read_universal_entry(entry, where);
                  uids.add(to_pair(read, root), where);
                  expect_captions(read);
                  examples.push_back(to_example(read, root));
                });
  if (examples.empty()) fail_expected({file.string(), "at least one pair", "none"});
  return examples;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::data
