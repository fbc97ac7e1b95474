#include "eval/caption_document.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "eval/entry_fields.h"

namespace ccexpert::eval {
namespace {

using nlohmann::json;

constexpr const char* kBlanks = " \t\r\n";

/// Keys of a list entry that name its pair, and those that hold its captions.
constexpr std::array kNameKeys{"uid", "image_id", "img_id", "before", "img1_path", "pre_image", "image_A"};
constexpr std::array kCaptionKeys{"pred",     "prediction", "caption",   "change_caption", "references",
                                  "captions", "sents",      "sentences", "error"};

template <size_t count>
bool has_any(const json& object, const std::array<const char*, count>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return object.contains(key); });
}

template <size_t count>
bool is_one_of(const std::string& name, const std::array<const char*, count>& keys) {
  return std::find(keys.begin(), keys.end(), name) != keys.end();
}

/// Returns the text of one caption of a dictionary, or null.
const json* caption_of(const json& value) {
  if (value.is_string()) return &value;
  if (!value.is_object()) return nullptr;
  const auto caption = value.find("caption");
  return caption != value.end() && caption->is_string() ? &*caption : nullptr;
}

/// Appends one caption; throws Error, starting with `where`, for another value.
void add_caption(const json& value, const std::string& where, const char* hint,
                 std::vector<std::string>& captions) {
  const auto* caption = caption_of(value);
  if (caption == nullptr)
    fail_expected({where, "a caption", value.empty() ? value.dump() : json_shown(value), hint});
  captions.push_back(caption->get<std::string>());
}

}  // namespace

std::optional<json> as_object(std::string_view text, const std::string& source) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.empty() || text.front() != '{') return std::nullopt;
  const auto line = text.substr(0, text.find('\n'));
  const bool is_one_line = text.find_first_not_of(kBlanks, line.size()) == std::string_view::npos;
  if (!is_one_line && try_parse_json(line)) return std::nullopt;
  return parse_json(text, source);
}

bool is_caption_dictionary(const json& object) {
  if (!object.is_object() || (has_any(object, kNameKeys) && has_any(object, kCaptionKeys))) return false;
  const auto items = object.items();
  return std::any_of(items.begin(), items.end(), [](const auto& item) {
    return !is_one_of(item.key(), kNameKeys) && !is_one_of(item.key(), kCaptionKeys);
  });
}

std::vector<CaptionEntry> dictionary_entries(const json& object, const std::string& source,
                                             const char* hint) {
  std::vector<CaptionEntry> entries;
  for (const auto& item : object.items()) {
    CaptionEntry entry{.uid = item.key(), .aliases = names_of(item.key())};
    const auto where = fmt::format("{}: {}", source, item.key());
    if (item.value().is_array() && !item.value().empty()) {
      for (const auto& each : item.value()) add_caption(each, where, hint, entry.references);
    } else {
      add_caption(item.value(), where, hint, entry.references);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace ccexpert::eval
