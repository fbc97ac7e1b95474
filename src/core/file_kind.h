// What the first bytes of a file say that it is, whatever its name.
#pragma once

#include <optional>
#include <string_view>

namespace ccexpert {

/// A kind of file that users have under the name of another one. `hint` says what to do; it may be empty.
struct FileKind {
  std::string_view name;  ///< with its article: "a Git LFS pointer"
  std::string_view hint = {};
};

/// As many bytes of a file as `file_kind` looks at.
inline constexpr size_t kFileHeadBytes = 512;

/// The kind of a file that begins with `head` (its first kFileHeadBytes, or all of a shorter file); nothing
/// where the bytes may be what the reader expects, or are not known.
std::optional<FileKind> file_kind(std::string_view head);

/// Throws Error("source: expected ..., got ... (hint)") if `head` is of a kind that `file_kind` knows.
/// Readers call it after they found that a file is not what they read.
void refuse_other_kind(std::string_view head, std::string_view source, std::string_view expected);

}  // namespace ccexpert
