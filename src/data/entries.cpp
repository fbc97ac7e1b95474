#include "data/entries.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert::data {
namespace {

using nlohmann::json;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::array<const char*, 2> kBeforeKeys{"before", "img1_path"};
constexpr std::array<const char*, 2> kAfterKeys{"after", "img2_path"};

template <class Keys>
std::optional<std::string> first_of(const json& entry, const Keys& keys, const std::string& where) {
  for (const char* key : keys) {
    if (auto text = text_of(entry, key, where)) return text;
  }
  return std::nullopt;
}

/// The first character that is no blank, or 0.
char first_character(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? '\0' : text[first];
}

}  // namespace

bool is_json_list(std::string_view text) {
  const char first = first_character(text);
  return first == '[' || first == '{';
}

void visit_entries(std::string_view text, const std::string& source,
                   const std::function<void(const json&, const std::string&)>& visit) {
  if (!is_json_list(text)) {
    const auto start = fmt::format("'{:.60}'", text.substr(0, text.find('\n')));
    fail({source, "a JSON array or JSON Lines", first_character(text) == '\0' ? "nothing" : start});
  }
  if (first_character(text) == '[') {
    const json array = parse_json(text, source);
    for (size_t i = 0; i < array.size(); ++i) visit(array[i], fmt::format("{}: entry {}", source, i + 1));
    return;
  }
  for (size_t number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (first_character(line) == '\0') continue;
    const auto where = fmt::format("{}: line {}", source, number);
    visit(parse_json(line, where), where);
  }
}

std::optional<std::string> text_of(const json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (found->is_string() && found->get_ref<const std::string&>().empty()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer() && key == std::string_view("uid")) return found->dump();
  fail({where + ": " + key, "a string", found->dump().substr(0, 60)});
}

RawEntry raw_entry(const json& entry, const std::string& where) {
  if (!entry.is_object()) fail({where, "an object with before and after", entry.dump().substr(0, 60)});
  RawEntry raw{.where = where, .uid = text_of(entry, "uid", where), .before = {}, .after = {}};
  raw.before = first_of(entry, kBeforeKeys, where);
  raw.after = first_of(entry, kAfterKeys, where);
  return raw;
}

std::filesystem::path located(const std::string& path, const std::filesystem::path& root) {
  return (root / path).lexically_normal();
}

PairFiles to_pair(const RawEntry& entry, const std::filesystem::path& root) {
  if (!entry.before) fail({entry.where, "a path 'before' (or 'img1_path')", "none"});
  if (!entry.after) fail({entry.where, "a path 'after' (or 'img2_path')", "none"});
  return {entry.uid.value_or(*entry.before), located(*entry.before, root), located(*entry.after, root)};
}

bool UidIndex::add(const PairFiles& pair, const std::string& where) {
  const auto [known, is_new] = pairs_.emplace(pair.uid, pair);
  if (!is_new && known->second != pair) {
    fail(where, fmt::format("uid '{}' already stands for other images", pair.uid),
         "give every pair its own uid");
  }
  return is_new;
}

}  // namespace ccexpert::data
