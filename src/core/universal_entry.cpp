#include "core/universal_entry.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "core/json_list.h"

namespace ccexpert {
namespace {

using nlohmann::json;

constexpr const char* kCaptionKey = "change_caption";
constexpr const char* kFlagKey = "change_flag";

std::optional<std::string> first_text(const json& entry, const std::array<const char*, 2>& keys,
                                      const std::string& where) {
  for (const char* key : keys) {
    if (auto text = text_of(entry, key, where)) return text;
  }
  return std::nullopt;
}

std::string caption_of(const json& value, const std::string& where) {
  auto text = value.is_string() ? value.get<std::string>() : std::string();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    fail_expected({fmt::format("{}: {}", where, kCaptionKey), "a caption or a list of captions, none blank",
                   json_shown(value)});
  return text;
}

std::vector<std::string> captions_of(const json& entry, const std::string& where) {
  const auto found = entry.find(kCaptionKey);
  if (found == entry.end() || found->is_null()) return {};
  if (!found->is_array()) return {caption_of(*found, where)};
  std::vector<std::string> captions;
  for (const auto& each : *found) captions.push_back(caption_of(each, where));
  return captions;
}

std::optional<bool> flag_of(const json& entry, const std::string& where) {
  const auto found = entry.find(kFlagKey);
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (const auto flag = flag_value(*found)) return flag;
  fail_expected({fmt::format("{}: {}", where, kFlagKey), kFlagForms, json_shown(*found)});
}

const std::string& expect_path(const std::optional<std::string>& path, const std::array<const char*, 2>& keys,
                               const std::string& where) {
  if (!path) fail_expected({where, fmt::format("a path '{}' (or '{}')", keys[0], keys[1]), "none"});
  return *path;
}

}  // namespace

PairEntry read_pair_entry(const json& entry, const std::string& where) {
  if (!entry.is_object()) fail_expected({where, "an object", json_shown(entry)});
  return {.where = where,
          .uid = text_of(entry, "uid", where),
          .before = first_text(entry, kBeforeKeys, where),
          .after = first_text(entry, kAfterKeys, where)};
}

UniversalEntry read_universal_entry(const json& entry, const std::string& where) {
  return {read_pair_entry(entry, where),
          captions_of(entry, where),
          flag_of(entry, where),
          text_of(entry, "mask_path", where),
          text_of(entry, "classes1_path", where),
          text_of(entry, "classes2_path", where)};
}

void expect_captions(const UniversalEntry& entry) {
  if (entry.captions.empty())
    fail_expected({entry.where + ": " + kCaptionKey, "a caption or a list of captions", "none"});
}

const std::string& expect_before(const PairEntry& entry) {
  return expect_path(entry.before, kBeforeKeys, entry.where);
}

const std::string& expect_after(const PairEntry& entry) {
  return expect_path(entry.after, kAfterKeys, entry.where);
}

const std::string& uid_or_before(const PairEntry& entry) {
  return entry.uid ? *entry.uid : expect_before(entry);
}

}  // namespace ccexpert
