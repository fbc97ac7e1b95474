// Recognition of a file's kind by its first bytes, whatever its name.
#pragma once

#include <optional>
#include <string_view>

namespace ccexpert {

/// Kind of a file that users often have under another kind's name. `hint` gives the remedy; it may be empty.
struct FileKind {
  std::string_view name;  ///< with its article: "a Git LFS pointer"
  std::string_view hint = {};
};

/// Number of bytes that `file_kind` examines.
inline constexpr size_t kFileHeadBytes = 512;

/// Returns the kind of a file that begins with `head` (its first kFileHeadBytes, or all of a shorter file);
/// nullopt if the bytes are unknown or may be valid for the reader.
std::optional<FileKind> file_kind(std::string_view head);

/// Throws Error("source: expected ..., got ... (hint)") if `file_kind` recognises `head`. Readers call it
/// after they fail to parse a file.
void refuse_other_kind(std::string_view head, std::string_view source, std::string_view expected);

}  // namespace ccexpert
