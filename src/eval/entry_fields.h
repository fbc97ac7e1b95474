// Fields of entries of caption files.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/eval/caption_files.h>

namespace ccexpert::eval {

/// An entry, where it stands (for messages), and where relative paths start.
struct JsonEntry {
  const nlohmann::json& object;
  std::string where;
  std::filesystem::path root;
  const char* hint = "";  ///< ends the messages
};

/// A text (or a whole number, as a text) under the first of `keys` that is there; nothing where none is.
std::optional<std::string> text_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// A text or a list of texts.
std::vector<std::string> texts_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// 0, 1, true or false, as a value or as its text.
std::optional<bool> flag_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// A path that starts at the root where it is relative, or at the working directory where that alone has the
/// file; empty where there is none.
std::filesystem::path path_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// A path, the same without its extension, its file name, and that without its extension.
std::vector<std::string> names_of(const std::string& path);

/// uid, references, whether it changed, paths: what every format has that is a list of pairs. Aliases are the
/// names of the first image.
CaptionEntry universal_entry(const JsonEntry& entry);

/// Calls `visit` for every entry of a JSON array or JSON Lines.
void visit_caption_entries(std::string_view text, const std::filesystem::path& file,
                           const std::filesystem::path& root,
                           const std::function<void(const JsonEntry&)>& visit, const char* hint = "");

/// The text of a file in UTF-8 or UTF-16, without a byte order mark.
std::string read_caption_file(const std::filesystem::path& file);

/// Captions of millions of pairs are more than a configuration file's limit allows.
constexpr size_t kMaxCaptionBytes = size_t{8} << 30;

}  // namespace ccexpert::eval
