#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "core/json_list.h"
#include "core/printable.h"
#include "core/text_file.h"
#include "eval/caption_document.h"
#include "eval/entry_fields.h"
#include "eval/merged_entries.h"
#include "eval/shared/caption_files.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kConvertHint =
    "docs/eval.md lists the formats; ccexpert-data convert converts other data sets to the universal one";

void add_alias_paths(CaptionEntry& result, const std::optional<std::string>& path) {
  if (!path) return;
  for (auto& name : names_of(*path)) result.aliases.push_back(std::move(name));
}

/// Reads an entry of a list of pairs: the project's own, COCO results, RSCC, ChangeChat,
/// Image-Editing-Request, Spot-the-Diff.
CaptionEntry list_entry(const JsonEntry& entry) {
  auto result = universal_entry(entry);
  const bool is_coco_result = entry.object.contains("image_id");
  if (result.references.empty() && is_coco_result) result.references = texts_under(entry, {"caption"});
  add_alias_paths(result, text_under(entry, {"post_image"}));
  if (result.references.empty())
    fail_expected({entry.where + ": change_caption", "a caption or a list of captions", "none", entry.hint});
  return result;
}

std::vector<CaptionEntry> list_of_pairs(std::string_view text, const fs::path& file, const fs::path& root) {
  if (!is_json_list(text)) {
    const auto start = fmt::format("'{:.60}'", text.substr(0, text.find('\n')));
    fail_expected(
        {file.string(), "a JSON array or JSON Lines", text.empty() ? "nothing" : start, kConvertHint});
  }
  std::vector<CaptionEntry> entries;
  visit_caption_entries(
      text, file, root, [&](const JsonEntry& entry) { entries.push_back(list_entry(entry)); }, kConvertHint);
  return merged_entries(std::move(entries));
}

std::string required(const JsonEntry& entry, const char* key) {
  const auto text = text_under(entry, {key});
  if (!text) fail_expected({entry.where + ": " + key, "a text or a number", "none"});
  return *text;
}

/// Returns the list of objects under a key.
const json& objects_under(const JsonEntry& place, const char* key) {
  const auto where = place.where + ": " + key;
  const auto& list = place.object.at(key);
  if (!list.is_array()) fail_expected({where, "a list of objects", json_shown(list)});
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object())
      fail_expected({fmt::format("{}[{}]", where, i), "an object", json_shown(list[i])});
  }
  return list;
}

CaptionEntry levir_entry(const JsonEntry& entry) {
  CaptionEntry result{.uid = required(entry, "filename")};
  result.aliases = names_of(result.uid);
  if (const auto number = text_under(entry, {"imgid"})) result.aliases.push_back(*number);
  const auto sentences = entry.object.find("sentences");
  if (sentences == entry.object.end() || !sentences->is_array() || sentences->empty())
    fail_expected({entry.where + ": sentences", "a list of sentences", "none"});
  for (const auto& sentence : *sentences)
    result.references.push_back(required({sentence, entry.where + ": sentences", {}}, "raw"));
  result.changed = flag_under(entry, {"changeflag", "change_flag"});
  const auto folder = text_under(entry, {"filepath", "split"});
  if (folder) {
    result.split = *folder;
    result.before = entry.root / "images" / *folder / "A" / result.uid;
    result.after = entry.root / "images" / *folder / "B" / result.uid;
  }
  return result;
}

/// Filter for entries of the wanted split; Error if the file has splits but not this one.
class SplitFilter {
 public:
  SplitFilter(std::string wanted, std::string source)
      : wanted_(std::move(wanted)), source_(std::move(source)) {}

  bool takes(const std::optional<std::string>& split) {
    if (!split || wanted_ == "all") return true;
    found_.insert(*split);
    return *split == wanted_;
  }
  void check() const {
    if (found_.empty() || found_.contains(wanted_)) return;
    fail_expected({source_ + ": split", fmt::format("one of {}, or all", first_few(found_)), wanted_});
  }

 private:
  std::string wanted_;
  std::string source_;
  std::set<std::string> found_;
};

/// Adds the split to names that several splits use for different pairs: "train/1.png" and "test/1.png". The
/// bare name then matches none of them.
void name_by_split(std::vector<CaptionEntry>& entries) {
  std::map<std::string, std::set<std::string>> splits;
  for (const auto& entry : entries) splits[entry.uid].insert(entry.split);
  for (auto& entry : entries) {
    if (splits[entry.uid].size() > 1) entry.uid = entry.split + "/" + entry.uid;
  }
}

std::vector<CaptionEntry> levir_cc(const JsonEntry& place, const std::string& split) {
  const auto& images = objects_under(place, "images");
  std::vector<CaptionEntry> entries;
  SplitFilter filter(split, place.where);
  for (size_t i = 0; i < images.size(); ++i) {
    const JsonEntry entry{images[i], fmt::format("{}: images[{}]", place.where, i), place.root};
    if (filter.takes(text_under(entry, {"split", "filepath"}))) entries.push_back(levir_entry(entry));
  }
  filter.check();
  name_by_split(entries);
  return merged_entries(std::move(entries));
}

std::vector<CaptionEntry> coco(const JsonEntry& place) {
  std::vector<CaptionEntry> entries;
  std::map<std::string, size_t> places;
  const auto entry_of = [&](const std::string& uid) -> CaptionEntry& {
    const auto [known, is_new] = places.emplace(uid, entries.size());
    if (is_new) entries.push_back({.uid = uid});
    return entries[known->second];
  };
  if (place.object.contains("images")) {
    for (const auto& image : objects_under(place, "images")) {
      const JsonEntry entry{image, place.where + ": images", place.root};
      add_alias_paths(entry_of(required(entry, "id")), text_under(entry, {"file_name"}));
    }
  }
  for (const auto& annotation : objects_under(place, "annotations")) {
    const JsonEntry entry{annotation, place.where + ": annotations", place.root};
    entry_of(required(entry, "image_id")).references.push_back(required(entry, "caption"));
  }
  std::erase_if(entries, [](const CaptionEntry& entry) { return entry.references.empty(); });
  return entries;
}

/// True for CLEVR-Change, with captions by the name of the first image: {"CLEVR_default_000001.png":
/// [captions]}.
bool is_clevr_change(const json& object) {
  const auto is_image = [](const std::string& name) {
    return name.starts_with("CLEVR_") && fs::path(name).extension() == ".png";
  };
  if (object.empty() || !object.is_object()) return false;
  const auto items = object.items();
  return std::all_of(items.begin(), items.end(),
                     [&](const auto& item) { return is_image(item.key()) && item.value().is_array(); });
}

/// Maps numbers of scenes to their split, from the splits.json next to the captions; empty if there is none.
std::map<std::string, std::string> clevr_splits(const fs::path& file) {
  std::map<std::string, std::string> splits;
  if (!is_file(file)) return splits;
  const auto lists = parse_json(read_caption_file(file), file.string());
  for (const auto& [name, numbers] : lists.items()) {
    if (!numbers.is_array())
      fail_expected({file.string() + ": " + name, "a list of numbers", json_shown(numbers)});
    for (const auto& number : numbers) splits[number.is_number_integer() ? number.dump() : ""] = name;
  }
  return splits;
}

/// Converts "000012" to "12".
std::string without_zeros(const std::string& digits) {
  const auto first = digits.find_first_not_of('0');
  if (first != std::string::npos) return digits.substr(first);
  return digits.empty() ? "" : "0";
}

std::vector<CaptionEntry> clevr_change(const JsonEntry& place, const fs::path& file,
                                       const std::string& split) {
  const bool unchanged = file.filename().string().starts_with("no_change");
  const char* kind = unchanged ? "nonsemantic" : "semantic";
  const auto splits = clevr_splits(folder_of_list(file) / "splits.json");
  SplitFilter filter(split, place.where);
  std::vector<CaptionEntry> entries;
  for (const auto& item : place.object.items()) {
    const auto& name = item.key();
    const auto stem = fs::path(name).stem().string();
    const auto digits = stem.substr(stem.find_last_of('_') + 1);
    const auto known = splits.find(without_zeros(digits));
    const auto of = known == splits.end() ? std::nullopt : std::optional(known->second);
    if (!filter.takes(of)) continue;
    const JsonEntry captions{place.object, place.where, place.root};
    entries.push_back({.uid = fmt::format("CLEVR_{}_{}", kind, digits),
                       .aliases = names_of(name),
                       .references = texts_under(captions, {name.c_str()}),
                       .changed = !unchanged,
                       .before = place.root / "images" / name,
                       .after = place.root / (unchanged ? "nsc_images" : "sc_images") /
                                fmt::format("CLEVR_{}_{}.png", kind, digits),
                       .split = of.value_or("")});
    if (entries.back().references.empty())
      fail_expected({place.where + ": " + name, "a list of captions", "none"});
  }
  filter.check();
  return entries;
}

}  // namespace

std::vector<CaptionEntry> parse_references(std::string_view text, const fs::path& file,
                                           const std::string& split, const fs::path& image_root) try {
  const auto object = as_object(text, file.string()).value_or(json());
  const JsonEntry place{object, file.string(), image_root.empty() ? folder_of_list(file) : image_root};
  std::vector<CaptionEntry> entries;
  if (object.contains("annotations")) {
    entries = coco(place);
  } else if (object.contains("images")) {
    entries = levir_cc(place, split);
  } else if (is_clevr_change(object)) {
    entries = clevr_change(place, file, split);
  } else if (is_caption_dictionary(object)) {
    entries = dictionary_entries(object, file.string(), kConvertHint);
  } else if (object.is_object()) {
    entries = {list_entry({object, file.string() + ": line 1", place.root, kConvertHint})};
  } else {
    entries = list_of_pairs(text, file, image_root);
  }
  if (entries.empty()) fail_expected({file.string(), "at least one pair with references", "none"});
  return entries;
} catch (...) {
  rethrow_as_error();
}

std::vector<CaptionEntry> read_references(const fs::path& file, const std::string& split,
                                          const fs::path& image_root) try {
  return parse_references(read_caption_file(file), file, split, image_root);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
