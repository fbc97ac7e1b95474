#include "eval/entry_fields.h"

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/json.h"
#include "core/json_list.h"
#include "core/text_file.h"
#include "core/universal_entry.h"

namespace ccexpert::eval {
namespace {

using nlohmann::json;

/// Keys of paths in RSCC, ChangeChat and Image-Editing-Request.
constexpr std::initializer_list<const char*> kOtherBeforeKeys{"pre_image", "image_A", "img0"};
constexpr std::initializer_list<const char*> kOtherAfterKeys{"post_image", "image_B", "img1"};

/// Returns the first of `keys` in the entry with its value, or with null.
std::pair<const char*, const json*> first_of(const JsonEntry& entry,
                                             std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = entry.object.find(key);
    if (found != entry.object.end() && !found->is_null()) return {key, &*found};
  }
  return {*keys.begin(), nullptr};
}

[[noreturn]] void refuse(const JsonEntry& entry, const char* key, const char* expected, const json& got) {
  fail_expected({entry.where + ": " + key, expected, json_shown(got), entry.hint});
}

}  // namespace

std::optional<std::string> text_under(const JsonEntry& entry, std::initializer_list<const char*> keys) {
  const auto [key, value] = first_of(entry, keys);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number_integer()) return value->dump();
  refuse(entry, key, "a text", *value);
}

std::vector<std::string> texts_under(const JsonEntry& entry, std::initializer_list<const char*> keys) {
  const auto [key, value] = first_of(entry, keys);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) refuse(entry, key, "a text or a list of texts", *value);
  std::vector<std::string> texts;
  for (const auto& each : *value) {
    if (!each.is_string()) refuse(entry, key, "a text or a list of texts", each);
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

std::optional<bool> flag_under(const JsonEntry& entry, std::initializer_list<const char*> keys) {
  const auto [key, value] = first_of(entry, keys);
  if (value == nullptr) return std::nullopt;
  if (const auto flag = flag_value(*value)) return flag;
  refuse(entry, key, kFlagForms, *value);
}

namespace {

/// Returns a path, relative to the root, or to the working directory if only that has the file; empty if
/// there is none.
std::filesystem::path located(const std::optional<std::string>& path, const std::filesystem::path& root) {
  if (!path) return {};
  const auto below_root = (root / *path).lexically_normal();
  // ccexpert-caption writes paths as given to it, relative to its working directory.
  std::error_code code;
  const bool is_elsewhere =
      !std::filesystem::exists(below_root, code) && std::filesystem::exists(*path, code);
  return is_elsewhere ? std::filesystem::path(*path) : below_root;
}

}  // namespace

std::vector<std::string> names_of(const std::string& path) {
  const std::filesystem::path name(path);
  std::vector<std::string> names{path, name.filename().string()};
  // The last dot of a name may be a decimal point.
  if (!has_image_extension(name)) return names;
  names.push_back(std::filesystem::path(name).replace_extension().string());
  names.push_back(name.stem().string());
  return names;
}

CaptionEntry universal_entry(const JsonEntry& entry) {
  // The project's own format; then the keys of other formats for what it does not give.
  auto read = read_universal_entry(entry.object, entry.where);
  if (!read.before) read.before = text_under(entry, kOtherBeforeKeys);
  if (!read.after) read.after = text_under(entry, kOtherAfterKeys);
  if (read.captions.empty())
    read.captions = texts_under(entry, {"references", "captions", "sents", "sentences"});
  if (!read.changed) read.changed = flag_under(entry, {"changeflag"});
  if (!read.uid) read.uid = text_under(entry, {"image_id", "img_id"});
  if (!read.uid) read.uid = read.before;
  if (!read.uid) fail_expected({entry.where + ": uid", "a text or a number", "none", entry.hint});
  CaptionEntry result{.uid = *read.uid,
                      .references = std::move(read.captions),
                      .changed = read.changed,
                      .before = located(read.before, entry.root),
                      .after = located(read.after, entry.root),
                      .mask = located(read.mask, entry.root)};
  if (read.before) result.aliases = names_of(*read.before);
  return result;
}

std::string read_caption_file(const std::filesystem::path& file) {
  return read_text_file(file, kMaxCaptionBytes);
}

void visit_caption_entries(std::string_view text, const std::filesystem::path& file,
                           const std::filesystem::path& root,
                           const std::function<void(const JsonEntry&)>& visit, const char* hint) {
  const auto start = root.empty() ? folder_of_list(file) : root;
  visit_entries(text, file.string(), [&](const json& object, const std::string& where) {
    visit({object, where, start, hint});
  });
}

}  // namespace ccexpert::eval
