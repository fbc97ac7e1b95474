// Helpers for file contents.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace ccexpert::test {

/// Returns the bytes of a file; empty if it cannot be read.
inline std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Fills the second half of a weights file with the largest bfloat16 and float32 numbers: they are finite,
/// but their sums are not.
inline void spoil_numbers(const std::filesystem::path& file) {
  const auto half = static_cast<std::streamoff>(std::filesystem::file_size(file) / 2);
  std::fstream weights(file, std::ios::binary | std::ios::in | std::ios::out);
  weights.seekp(half);
  weights << std::string(static_cast<size_t>(half), '\x7f');
}

}  // namespace ccexpert::test
