// Helpers of the fuzz targets: a reader may only throw Error, and the message must be printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/error.h>

namespace ccexpert::fuzz {

/// Prints a sentence and aborts, so that libFuzzer keeps the input.
[[noreturn]] void find(std::string_view what);

/// Reports a finding unless the promise holds.
inline void expect(bool holds, std::string_view promise) {
  if (!holds) find(promise);
}

/// Reports a finding unless the text is one line of valid UTF-8 without control characters, of at most
/// kLongestError bytes.
void expect_showable(std::string_view text);

/// Calls a reader. Returns false if it throws Error; any other exception ends the process.
template <class Call>
bool reads(Call&& call) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    expect_showable(error.what());
    return false;
  }
}

/// Returns the input as text.
inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Separates the files of an input that holds several. It is text, so that seeds stay readable.
inline constexpr std::string_view kNextFile = "\n=====\n";

/// Splits the input at kNextFile into `count` texts. The last one takes the rest; missing ones are empty.
std::vector<std::string_view> parts_of(std::string_view input, size_t count);

/// A folder of this process for readers that take paths, in memory if possible. It is removed at exit; the
/// next process removes what killed processes left behind.
class Folder {
 public:
  static const Folder& shared();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// Writes a file, and creates the folders above it.
  std::filesystem::path write(std::string_view name, std::string_view bytes) const;
  /// The same, but removes the file if the text is empty.
  std::filesystem::path write_or_remove(std::string_view name, std::string_view bytes) const;

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

 private:
  Folder();
  ~Folder();

  std::filesystem::path path_;
};

}  // namespace ccexpert::fuzz
