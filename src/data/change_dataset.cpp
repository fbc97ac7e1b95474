#include <ccexpert/core/error.h>
#include <ccexpert/data/change_dataset.h>

#include "core/json.h"
#include "core/text_file.h"
#include "data/entries.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kCaptionKey = "change_caption";
constexpr const char* kCaptionForm = "a caption or a list of captions, none blank";

/// The limit for configuration files is too small for several hundred thousand pairs.
constexpr size_t kMaxBytes = size_t{8} << 30;

std::string caption_of(const json& value, const std::string& where) {
  auto text = value.is_string() ? value.get<std::string>() : std::string();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    fail_expected({where + ": " + kCaptionKey, kCaptionForm, json_shown(value)});
  }
  return text;
}

std::vector<std::string> captions_of(const json& entry, const std::string& where) {
  const auto found = entry.find(kCaptionKey);
  if (found == entry.end())
    fail_expected({where + ": " + kCaptionKey, "a caption or a list of captions", "none"});
  if (!found->is_array()) return {caption_of(*found, where)};
  if (found->empty()) fail_expected({where + ": " + kCaptionKey, kCaptionForm, "an empty list"});
  std::vector<std::string> captions;
  for (const auto& each : *found) captions.push_back(caption_of(each, where));
  return captions;
}

std::optional<bool> changed_of(const json& entry, const std::string& where) {
  const auto found = entry.find("change_flag");
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (const auto flag = flag_value(*found)) return flag;
  fail_expected({where + ": change_flag", kFlagForms, json_shown(*found)});
}

fs::path optional_path(const json& entry, const char* key, const std::string& where, const fs::path& root) {
  const auto path = text_of(entry, key, where);
  return path ? located(*path, root) : fs::path();
}

ChangeExample to_example(const json& entry, const PairFiles& pair, const std::string& where,
                         const fs::path& root) {
  return {.uid = pair.uid,
          .before = pair.before,
          .after = pair.after,
          .captions = captions_of(entry, where),
          .changed = changed_of(entry, where),
          .mask = optional_path(entry, "mask_path", where, root),
          .classes_before = optional_path(entry, "classes1_path", where, root),
          .classes_after = optional_path(entry, "classes2_path", where, root)};
}

}  // namespace

ChangeExample example_of(const json& entry, const std::string& where, const fs::path& root) {
  return to_example(entry, to_pair(raw_entry(entry, where), root), where, root);
}

std::vector<ChangeExample> read_change_dataset(const fs::path& file, const fs::path& image_root) {
  const fs::path root = image_root.empty() ? folder_of_list(file) : image_root;
  std::vector<ChangeExample> examples;
  UidIndex uids;
  visit_entries(read_text_file(file, kMaxBytes), file.string(),
                [&](const json& entry, const std::string& where) {
                  const auto pair = to_pair(raw_entry(entry, where), root);
                  uids.add(pair, where);
                  examples.push_back(to_example(entry, pair, where, root));
                });
  if (examples.empty()) fail_expected({file.string(), "at least one pair", "none"});
  return examples;
}

}  // namespace ccexpert::data
