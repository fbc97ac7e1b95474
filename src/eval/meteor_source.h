// Readers and checks of METEOR's own files.
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

/// An empty file of this name marks a folder with tables that are intentionally not METEOR 1.5's.
constexpr const char* kOwnTablesFile = "own-tables";

/// Returns a key of a folder's files from their sizes and times. Throws Error if one is missing.
uint64_t meteor_source_key(const std::filesystem::path& folder);

/// Throws Error if a file differs from METEOR 1.5's in any byte, unless the folder is marked by own-tables.
void expect_original_tables(const std::filesystem::path& folder);

/// Throws Error if a table is empty; otherwise scores would silently lack it.
void expect_some(size_t count, const std::filesystem::path& path, std::string_view what);

/// Returns the lines of a small file.
std::vector<std::string> lines_of(const std::filesystem::path& path);

/// Returns the lines of a file with two lines per entry. Throws Error if there is no entry, or a partial one.
std::vector<std::string> paired_lines_of(const std::filesystem::path& path);

/// Reader of lines of a compressed file.
class GzipLines {
 public:
  explicit GzipLines(const std::filesystem::path& path);

  /// Reads the next line, valid until the next call; returns false at the end. Throws Error if the file is
  /// damaged, and for a line of more than 64 KiB.
  bool next(std::string_view& line);

 private:
  bool fill();

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
  std::string line_;
  std::vector<char> buffer_ = std::vector<char>(size_t{1} << 16);
  size_t start_ = 0;   ///< start of the unread part of the buffer
  size_t filled_ = 0;  ///< end of the unread part
};

}  // namespace ccexpert::eval
