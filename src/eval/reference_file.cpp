#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/eval/caption_files.h>

#include "core/files.h"
#include "core/json.h"
#include "eval/entry_fields.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void expect_references(const CaptionEntry& entry, const std::string& where) {
  if (entry.references.empty()) fail({where + ": change_caption", "a caption or a list of captions", "none"});
}

std::vector<CaptionEntry> universal(const std::string& text, const fs::path& file, const fs::path& root) {
  std::vector<CaptionEntry> entries;
  visit_caption_entries(text, file, root, [&](const JsonEntry& entry) {
    entries.push_back(universal_entry(entry));
    expect_references(entries.back(), entry.where);
  });
  return entries;
}

std::string required(const JsonEntry& entry, const char* key) {
  const auto text = text_under(entry, {key});
  if (!text) fail({entry.where + ": " + key, "a text or a number", "none"});
  return *text;
}

/// A name, and the name without its extension.
std::vector<std::string> names_of(const std::string& file_name) {
  return {file_name, fs::path(file_name).filename().string(), fs::path(file_name).stem().string()};
}

CaptionEntry levir_entry(const JsonEntry& entry) {
  CaptionEntry result{.uid = required(entry, "filename")};
  result.aliases = names_of(result.uid);
  if (const auto number = text_under(entry, {"imgid"})) result.aliases.push_back(*number);
  const auto sentences = entry.object.find("sentences");
  if (sentences == entry.object.end() || !sentences->is_array() || sentences->empty())
    fail({entry.where + ": sentences", "a list of sentences", "none"});
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

/// Entries of the split that is wanted; Error where the file has splits and not this one.
class SplitFilter {
 public:
  SplitFilter(std::string wanted, std::string source)
      : wanted_(std::move(wanted)), source_(std::move(source)) {}

  bool takes(const JsonEntry& entry) {
    const auto split = text_under(entry, {"split", "filepath"});
    if (!split || wanted_ == "all") return true;
    found_.insert(*split);
    return *split == wanted_;
  }
  void check() const {
    if (found_.empty() || found_.contains(wanted_)) return;
    fail({source_ + ": split", fmt::format("one of {}, or all", fmt::join(found_, ", ")), wanted_});
  }

 private:
  std::string wanted_;
  std::string source_;
  std::set<std::string> found_;
};

std::vector<CaptionEntry> levir_cc(const json& images, const std::string& split, const JsonEntry& place) {
  std::vector<CaptionEntry> entries;
  SplitFilter filter(split, place.where);
  for (size_t i = 0; i < images.size(); ++i) {
    const JsonEntry entry{images[i], fmt::format("{}: images[{}]", place.where, i), place.root};
    if (filter.takes(entry)) entries.push_back(levir_entry(entry));
  }
  filter.check();
  return entries;
}

std::vector<CaptionEntry> coco(const json& file, const JsonEntry& place) {
  std::vector<CaptionEntry> entries;
  std::map<std::string, size_t> places;
  const auto entry_of = [&](const std::string& uid) -> CaptionEntry& {
    const auto [known, is_new] = places.emplace(uid, entries.size());
    if (is_new) entries.push_back({.uid = uid});
    return entries[known->second];
  };
  for (const auto& image : file.value("images", json::array())) {
    const JsonEntry entry{image, place.where + ": images", place.root};
    const auto name = text_under(entry, {"file_name"});
    auto& result = entry_of(required(entry, "id"));
    if (name) result.aliases = names_of(*name);
  }
  for (const auto& annotation : file["annotations"]) {
    const JsonEntry entry{annotation, place.where + ": annotations", place.root};
    entry_of(required(entry, "image_id")).references.push_back(required(entry, "caption"));
  }
  std::erase_if(entries, [](const CaptionEntry& entry) { return entry.references.empty(); });
  return entries;
}

/// The file as one object, or nothing where it is a list.
std::optional<json> as_object(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
  // JSON Lines are objects too, but several of them, which is no JSON.
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

}  // namespace

std::vector<CaptionEntry> read_references(const fs::path& file, const std::string& split,
                                          const fs::path& image_root) {
  const auto text = read_file(file, kMaxCaptionBytes);
  const auto object = as_object(text);
  std::vector<CaptionEntry> entries;
  if (object && (object->contains("images") || object->contains("annotations"))) {
    const JsonEntry place{*object, file.string(), image_root.empty() ? file.parent_path() : image_root};
    entries =
        object->contains("annotations") ? coco(*object, place) : levir_cc((*object)["images"], split, place);
  } else {
    entries = universal(text, file, image_root);
  }
  if (entries.empty()) fail({file.string(), "at least one pair with references", "none"});
  return entries;
}

}  // namespace ccexpert::eval
