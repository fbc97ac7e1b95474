// Text files that people wrote, in UTF-8 or UTF-16, with a byte order mark or without.
#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert {

/// What a file's bytes say, in UTF-8 and without a byte order mark; Errors as TextDecoder.
std::string decoded_text(std::string_view bytes, const std::string& source);

/// decoded_text of a file of at most `limit` bytes, or of a pipe to its end. Every list and config that a
/// person may have written is read by this or by TextStream.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

/// Where relative paths of a list start: its folder, or the working folder if it is a pipe.
std::filesystem::path folder_of_list(const std::filesystem::path& list);

/// The same for a file of any length, piece by piece, from the front. Reading throws the Errors of
/// TextDecoder.
class TextStream : public std::istream {
 public:
  explicit TextStream(const std::filesystem::path& path);
  ~TextStream() override;

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace ccexpert
