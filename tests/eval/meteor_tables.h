// Small METEOR tables and a cache for their index, both temporary.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include <ccexpert/eval/meteor.h>

#include "support/temporary_folder.h"

namespace ccexpert::test {

/// Wraps less than 64 KiB as an uncompressed gzip stream.
inline std::string gzip_of(const std::string& bytes) {
  uint32_t check = 0xffffffff;
  for (const char c : bytes) {
    check ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) check = (check >> 1) ^ ((check & 1) != 0 ? 0xedb88320 : 0);
  }
  const auto number = [](uint32_t value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const auto size = static_cast<uint32_t>(bytes.size());
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11) + number(size, 2) + number(~size, 2) + bytes +
         number(~check, 4) + number(size, 4);
}

/// Files in the real layout.
class MeteorTables {
 public:
  MeteorTables() {
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    folder_.write("data/synonym/english.synsets",
                  "car\n02958343 02959942\nautomobile\n02958343 01935476\nhouse\n03544360\nbig\n01382086\n"
                  "large\n01382086\ngood\n01123148\n");
    folder_.write("data/synonym/english.exceptions", "good\nbetter best\n");
    folder_.write("data/function/english.words", "the\na\nare\nof\nis\n");
    folder_.write("data/nonbreaking/english.prefixes", "# names\nMr\nNo #NUMERIC_ONLY#\n");
    folder_.write(
        "data/paraphrase-en.gz",
        gzip_of(
            "0.1\na number of\nmany\n0.1\na number of\nseveral\n0.2\nclose to\nnear\n0.2\nnear\nclose to\n"));
    folder_.write("data/own-tables", "");
  }
  ~MeteorTables() { ::unsetenv("XDG_CACHE_HOME"); }
  MeteorTables(const MeteorTables&) = delete;
  MeteorTables& operator=(const MeteorTables&) = delete;

  const TemporaryFolder& folder() const { return folder_; }
  std::filesystem::path data() const { return folder_ / "data"; }
  std::shared_ptr<const eval::MeteorData> open() const { return eval::MeteorData::open(data()); }

 private:
  TemporaryFolder folder_;
};

}  // namespace ccexpert::test
