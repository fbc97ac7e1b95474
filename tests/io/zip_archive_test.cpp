// Zip archives that are damaged or hostile.
#include "io/zip_archive.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string bytes_of(const std::string& name) {
  return read_file(ccexpert::test::data_folder() / "io" / name);
}

/// Overwrites a little-endian number at `at`.
void put(std::string& bytes, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
}

/// Returns the offset of a record's directory entry.
size_t entry_of(const std::string& bytes, const std::string& record) {
  const auto name = bytes.rfind(record);
  return name - 46;
}

std::string problem_of(const std::string& bytes) {
  return error_of([&] {
    const ZipArchive archive(bytes, "x.bin");
    for (const auto& record : archive.records()) archive.read(record, 1 << 20);
  });
}

TEST(ZipArchive, ReadsPlainAndCompressedRecordsAlike) {
  const auto plain = bytes_of("views.bin"), packed = bytes_of("compressed.bin");
  const ZipArchive stored(plain, "views.bin"), deflated(packed, "compressed.bin");
  const auto* record = deflated.find("compressed/data/0");
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(record->deflated);
  const auto content = stored.read(*stored.find("views/data/0"), 1000);
  EXPECT_EQ(deflated.read(*record, 1000), content);
  std::string part(8, '\0');
  deflated.inflate(*record, 4, part);
  EXPECT_EQ(part, content.substr(4, 8));
}

TEST(ZipArchive, DamagedContentIsFound) {
  const auto whole = bytes_of("compressed.bin");
  const ZipArchive archive(whole, "x.bin");
  for (const auto& record : archive.records()) {
    // The upper bits of the last byte are not used.
    for (uint64_t i = 0; i + 1 < record.stored; ++i) {
      auto damaged = whole;
      damaged[record.offset + i] ^= '\x10';
      EXPECT_THAT(problem_of(damaged), StartsWith("x.bin: record " + record.name)) << i;
    }
  }
}

TEST(ZipArchive, SizesThatDeflateCannotReachTakeNoMemory) {
  auto bytes = bytes_of("compressed.bin");
  put(bytes, entry_of(bytes, "compressed/data/0") + 24, 0xfffffff0, 4);
  EXPECT_THAT(problem_of(bytes), HasSubstr("compressed bytes cannot hold 4294967280 bytes"));
}

TEST(ZipArchive, SizesThatTheContentDoesNotHaveAreRefused) {
  for (const auto& [size, problem] : {std::pair{33, "holds less than"}, {31, "holds more than"}}) {
    auto bytes = bytes_of("compressed.bin");
    put(bytes, entry_of(bytes, "compressed/data/0") + 24, static_cast<uint64_t>(size), 4);
    EXPECT_THAT(problem_of(bytes), HasSubstr(problem));
  }
}

TEST(ZipArchive, AContentLargerThanAskedForIsRefused) {
  const auto bytes = bytes_of("compressed.bin");
  const ZipArchive archive(bytes, "x.bin");
  EXPECT_EQ(error_of([&] { archive.read(*archive.find("compressed/data/0"), 31); }),
            "x.bin: record compressed/data/0: expected at most 31 bytes, got 32");
}

TEST(ZipArchive, RecordsAreApartAndNamedOnce) {
  auto bytes = bytes_of("views.bin");
  const ZipArchive archive(bytes, "x.bin");
  const auto first = entry_of(bytes, "views/data/0"), second = entry_of(bytes, "views/data/1");
  // Both entries refer to one record, under one name.
  bytes.replace(second, 46 + 12, bytes.substr(first, 46 + 12));
  EXPECT_THAT(problem_of(bytes), HasSubstr("views/data/0: is twice in the archive"));
}

TEST(ZipArchive, WhatIsNotReadIsNamed) {
  auto encrypted = bytes_of("views.bin");
  put(encrypted, entry_of(encrypted, "views/data/0") + 8, 1, 2);
  EXPECT_THAT(problem_of(encrypted), HasSubstr("expected records that are not encrypted"));
  auto method = bytes_of("views.bin");
  put(method, entry_of(method, "views/data/0") + 10, 93, 2);
  EXPECT_THAT(problem_of(method), HasSubstr("got compression method 93"));
  EXPECT_THAT(problem_of("PK\x03\x04"), HasSubstr("the directory at the end of a zip archive is missing"));
}

}  // namespace
}  // namespace ccexpert::io
