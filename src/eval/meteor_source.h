// METEOR's own files, and whether they are what they should be.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace ccexpert::eval {

constexpr const char* kSynsetsFile = "synonym/english.synsets";
constexpr const char* kIrregularFile = "synonym/english.exceptions";
constexpr const char* kFunctionFile = "function/english.words";
constexpr const char* kAbbreviationsFile = "nonbreaking/english.prefixes";
constexpr const char* kParaphrasesFile = "paraphrase-en.gz";

/// An empty file of this name says that a folder's tables are not METEOR 1.5's on purpose.
constexpr const char* kOwnTablesFile = "own-tables";

/// Names the files of a folder by their sizes and times. Throws Error where one is missing.
uint64_t meteor_source_key(const std::filesystem::path& folder);

/// Throws Error for a file that is not the one of METEOR 1.5, byte for byte, unless the folder holds own
/// tables.
void expect_original_tables(const std::filesystem::path& folder);

/// Throws Error where a table has nothing in it, which would score without it and say nothing.
void expect_some(size_t count, const std::filesystem::path& path, std::string_view what);

/// The lines of a small file.
std::vector<std::string> lines_of(const std::filesystem::path& path);

/// The lines of a file of two lines an entry. Throws Error where there is none, or half of one.
std::vector<std::string> paired_lines_of(const std::filesystem::path& path);

/// Lines of a compressed file.
class GzipLines {
 public:
  explicit GzipLines(const std::filesystem::path& path);

  /// The next line, valid until the next call; false at the end. Throws Error where the file is broken, and
  /// for a line of more than 64 KiB.
  bool next(std::string_view& line);

 private:
  bool fill();

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
  std::string line_;
  std::vector<char> buffer_ = std::vector<char>(size_t{1} << 16);
  size_t start_ = 0;   ///< of what the buffer still holds
  size_t filled_ = 0;  ///< and its end
};

}  // namespace ccexpert::eval
