#include "eval/caption_document.h"

#include <algorithm>
#include <array>

#include "core/json.h"
#include "eval/entry_fields.h"

namespace ccexpert::eval {
namespace {

using nlohmann::json;

constexpr const char* kBlanks = " \t\r\n";

/// Keys that mark an object as a list entry, regardless of its other keys.
constexpr std::array kEntryKeys{
    "uid",  "image_id",   "img_id",  "before",         "img1_path",  "pre_image", "image_A",
    "pred", "prediction", "caption", "change_caption", "references", "captions",  "error"};

/// Returns the text of one caption of a dictionary, or null.
const json* caption_of(const json& value) {
  if (value.is_string()) return &value;
  if (!value.is_object()) return nullptr;
  const auto caption = value.find("caption");
  return caption != value.end() && caption->is_string() ? &*caption : nullptr;
}

bool is_captions(const json& value) {
  if (!value.is_array()) return caption_of(value) != nullptr;
  return !value.empty() && std::all_of(value.begin(), value.end(),
                                       [](const json& each) { return caption_of(each) != nullptr; });
}

}  // namespace

std::optional<json> as_object(std::string_view text, const std::string& source) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.empty() || text.front() != '{') return std::nullopt;
  const auto line = text.substr(0, text.find('\n'));
  const bool is_one_line = text.find_first_not_of(kBlanks, line.size()) == std::string_view::npos;
  if (!is_one_line && json::accept(line)) return std::nullopt;
  return parse_json(text, source);
}

bool is_caption_dictionary(const json& object) {
  const auto has = [&](const char* key) { return object.contains(key); };
  if (!object.is_object() || object.empty() || std::any_of(kEntryKeys.begin(), kEntryKeys.end(), has))
    return false;
  return std::all_of(object.begin(), object.end(), is_captions);
}

std::vector<CaptionEntry> dictionary_entries(const json& object) {
  std::vector<CaptionEntry> entries;
  for (const auto& item : object.items()) {
    CaptionEntry entry{.uid = item.key(), .aliases = names_of(item.key())};
    if (item.value().is_array()) {
      for (const auto& each : item.value()) entry.references.push_back(caption_of(each)->get<std::string>());
    } else {
      entry.references.push_back(caption_of(item.value())->get<std::string>());
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace ccexpert::eval
