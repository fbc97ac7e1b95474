#include "core/json_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"

namespace ccexpert {
namespace {

using nlohmann::json;

/// Limit for a list: enough for a few million pairs.
constexpr size_t kMostValues = size_t{1} << 27;

/// Returns the first non-blank character, or 0.
char first_character(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
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
    fail_expected({source, "a JSON array or JSON Lines", first_character(text) == '\0' ? "nothing" : start});
  }
  if (first_character(text) == '[') {
    const json array = parse_json(text, source, {.values = kMostValues});
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

std::optional<bool> flag_of_text(std::string_view text) {
  if (text == "0" || text == "false") return false;
  if (text == "1" || text == "true") return true;
  return std::nullopt;
}

std::optional<bool> flag_value(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return flag_of_text(value.get_ref<const std::string&>());
  if (value == 0 || value == 1) return value == 1;
  return std::nullopt;
}

std::optional<std::string> text_of(const json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (found->is_string() && found->get_ref<const std::string&>().empty()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer() && key == std::string_view("uid")) return found->dump();
  fail_expected({where + ": " + key, "a string", json_shown(*found)});
}

}  // namespace ccexpert
