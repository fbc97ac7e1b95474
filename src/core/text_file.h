// Reading of user-written text files in UTF-8 or UTF-16, with or without a byte order mark.
#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert {

/// Decodes a file's bytes to UTF-8 without a byte order mark. Throws as TextDecoder.
std::string decoded_text(std::string_view bytes, const std::string& source);

/// Returns decoded_text of a file of at most `limit` bytes, or of a pipe to its end. Every list and config
/// that a user may have written is read by this function or by TextStream.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

/// Returns the folder to which relative paths in a list refer: that of the list, or "" (the working folder)
/// for a pipe and for a name of an open file such as /dev/stdin. The list need not exist.
std::filesystem::path folder_of_list(const std::filesystem::path& list);

/// Incremental stream of the decoded text of a file of any length. Reading throws the Errors of TextDecoder.
class TextStream : public std::istream {
 public:
  explicit TextStream(const std::filesystem::path& path);
  ~TextStream() override;

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace ccexpert
