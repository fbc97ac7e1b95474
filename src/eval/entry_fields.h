// Readers of entry fields in caption files.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/shared/caption_files.h"

namespace ccexpert::eval {

/// Entry with its place (for messages) and the root of relative paths.
struct JsonEntry {
  const nlohmann::json& object;
  std::string where;
  std::filesystem::path root;
  const char* hint = "";  ///< hint at the end of messages
};

/// Returns the string (or an integer as a string) of the first existing key of `keys`; nothing if none
/// exists.
std::optional<std::string> text_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// Returns a string or a list of strings as a list.
std::vector<std::string> texts_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// Returns a flag given as 0, 1, true or false, or as such a string.
std::optional<bool> flag_under(const JsonEntry& entry, std::initializer_list<const char*> keys);

/// Returns a path, its file name, and for images both without extension.
std::vector<std::string> names_of(const std::string& path);

/// Reads the fields common to all lists of pairs: uid, references, change flag and paths; those of the
/// universal format by read_universal_entry. Aliases are the names of the first image.
CaptionEntry universal_entry(const JsonEntry& entry);

/// Calls `visit` for every entry of a JSON array or JSON Lines.
void visit_caption_entries(std::string_view text, const std::filesystem::path& file,
                           const std::filesystem::path& root,
                           const std::function<void(const JsonEntry&)>& visit, const char* hint = "");

/// Returns the text of a UTF-8 or UTF-16 file, without a byte order mark.
std::string read_caption_file(const std::filesystem::path& file);

/// The limit for configuration files is too small for captions of millions of pairs.
constexpr size_t kMaxCaptionBytes = size_t{8} << 30;

}  // namespace ccexpert::eval
