#include "eval/meteor_source.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <zlib.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/mapped_file.h"
#include "eval/hash.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;

struct Table {
  const char* name;
  uint64_t bytes;
  uint64_t hash;
};

/// Files of the wheel in third_party/wheels-meteor.txt.
constexpr std::array<Table, 5> kTables{{{kSynsetsFile, 3702066, 0x5a463fba0c55b6ec},
                                        {kIrregularFile, 88789, 0xedbf9b9a9fe0de0d},
                                        {kFunctionFile, 373, 0x8c90bfe7f1a54558},
                                        {kAbbreviationsFile, 1241, 0xf2c3725fe077d3a5},
                                        {kParaphrasesFile, 61813011, 0x17daa7ff022c781f}}};

constexpr const char* kSetupHint =
    "it is damaged or of another version: run scripts/setup.sh again; for your own tables, create an empty "
    "file own-tables in the folder";

/// The longest line of METEOR 1.5's paraphrases has 71 bytes; a small file can unpack to any size.
constexpr size_t kLongestLine = size_t{1} << 16;

void expect_original(const fs::path& path, const Table& table) {
  const auto file = MappedFile::open(path);
  const auto expected = fmt::format("METEOR 1.5's file of {} bytes", table.bytes);
  if (file->size() != table.bytes)
    fail_expected({path.string(), expected, fmt::format("{} bytes", file->size()), kSetupHint});
  if (content_hash({file->data(), file->size()}) != table.hash)
    fail_expected({path.string(), expected, "other content of the same size", kSetupHint});
}

/// Throws Error if the file is not gzip: zlib passes uncompressed data through unchanged, also an empty file.
void expect_gzip(const fs::path& path) {
  const auto file = MappedFile::open(path);
  const std::span bytes(file->data(), file->size());
  if (bytes.size() > 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b}) return;
  fail_expected({path.string(), "a gzip file", bytes.empty() ? "an empty file" : "another file",
                 "run scripts/setup.sh again"});
}

}  // namespace

uint64_t meteor_source_key(const fs::path& folder) {
  std::vector<uint64_t> parts;
  for (const auto& table : kTables) {
    const auto path = folder / table.name;
    if (!is_file(path)) {
      fail_expected(
          {"METEOR's data", "a file " + path.string(), "none",
           "run scripts/setup.sh, name a folder with the layout in docs/eval.md by --meteor-data, or use "
           "--no-meteor"});
    }
    parts.push_back(fs::file_size(path));
    parts.push_back(static_cast<uint64_t>(fs::last_write_time(path).time_since_epoch().count()));
  }
  parts.push_back(is_there(folder / kOwnTablesFile) ? 1 : 0);
  return phrase_hash(parts);
}

void expect_original_tables(const fs::path& folder) {
  if (is_there(folder / kOwnTablesFile)) return;
  for (const auto& table : kTables) expect_original(folder / table.name, table);
}

void expect_some(size_t count, const fs::path& path, std::string_view what) {
  if (count == 0) fail_expected({path.string(), what, "none", "run scripts/setup.sh again"});
}

std::vector<std::string> lines_of(const fs::path& path) {
  const auto text = read_file(path);
  std::vector<std::string> lines;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

std::vector<std::string> paired_lines_of(const fs::path& path) {
  auto lines = lines_of(path);
  expect_some(lines.size(), path, "two lines per entry");
  if (lines.size() % 2 != 0) {
    fail_expected({path.string(), "two lines per entry", fmt::format("{} lines", lines.size()),
                   "it is truncated: run scripts/setup.sh again"});
  }
  return lines;
}

GzipLines::GzipLines(const fs::path& path) : path_(path), file_(nullptr, gzclose) {
  expect_gzip(path);
  file_.reset(gzopen(path.c_str(), "rb"));
  if (!file_) fail(path.string(), "cannot be opened");
  gzbuffer(file_.get(), 1u << 20);
}

bool GzipLines::fill() {
  start_ = 0;
  filled_ = static_cast<size_t>(
      std::max(gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size())), 0));
  int error = Z_OK;
  const char* message = gzerror(file_.get(), &error);
  if (filled_ == 0 && error != Z_OK && error != Z_STREAM_END)
    fail(path_.string(), std::string("cannot be unpacked: ") + message, "run scripts/setup.sh again");
  return filled_ > 0;
}

bool GzipLines::next(std::string_view& line) {
  line_.clear();
  while (start_ < filled_ || fill()) {
    const auto rest = std::string_view(buffer_.data(), filled_).substr(start_);
    const size_t end = std::min(rest.find('\n'), rest.size());
    line_.append(rest.substr(0, end));
    if (line_.size() > kLongestLine)
      fail_expected({path_.string(), fmt::format("lines of at most {} bytes", kLongestLine), "a longer one",
                     kSetupHint});
    start_ += std::min(end + 1, rest.size());
    if (end < rest.size()) {
      line = line_;
      return true;
    }
  }
  line = line_;
  return !line_.empty();
}

}  // namespace ccexpert::eval
