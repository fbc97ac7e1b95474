#include "data/entries.h"

#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert::data {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 2> kBeforeKeys{"before", "img1_path"};
constexpr std::array<const char*, 2> kAfterKeys{"after", "img2_path"};

template <class Keys>
std::optional<std::string> first_of(const json& entry, const Keys& keys, const std::string& where) {
  for (const char* key : keys) {
    if (auto text = text_of(entry, key, where)) return text;
  }
  return std::nullopt;
}

}  // namespace

RawEntry raw_entry(const json& entry, const std::string& where) {
  if (!entry.is_object()) fail_expected({where, "an object with before and after", json_shown(entry)});
  RawEntry raw{.where = where, .uid = text_of(entry, "uid", where), .before = {}, .after = {}};
  raw.before = first_of(entry, kBeforeKeys, where);
  raw.after = first_of(entry, kAfterKeys, where);
  return raw;
}

std::filesystem::path located(const std::string& path, const std::filesystem::path& root) {
  return (root / path).lexically_normal();
}

PairFiles to_pair(const RawEntry& entry, const std::filesystem::path& root) {
  if (!entry.before) fail_expected({entry.where, "a path 'before' (or 'img1_path')", "none"});
  if (!entry.after) fail_expected({entry.where, "a path 'after' (or 'img2_path')", "none"});
  return {entry.uid.value_or(*entry.before), located(*entry.before, root), located(*entry.after, root)};
}

bool UidIndex::add(const PairFiles& pair, const std::string& where) {
  const auto [known, is_new] = pairs_.emplace(pair.uid, pair);
  if (!is_new && known->second != pair) {
    fail(where, fmt::format("uid '{}' already names other images", pair.uid), "give every pair its own uid");
  }
  return is_new;
}

}  // namespace ccexpert::data
