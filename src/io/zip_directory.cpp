#include "io/zip_directory.h"

#include <algorithm>

#include <fmt/format.h>

#include "io/byte_reader.h"

namespace ccexpert::io {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPart = "its zip directory";
constexpr std::string_view kEnd = "PK\x05\x06"sv, kWideEnd = "PK\x06\x06"sv, kWideEndPlace = "PK\x06\x07"sv,
                           kEntry = "PK\x01\x02"sv, kRecord = "PK\x03\x04"sv;
constexpr size_t kEndBytes = 22, kWideEndBytes = 56, kWideEndPlaceBytes = 20, kRecordBytes = 30;
constexpr size_t kMostCommentBytes = 65535;
constexpr uint64_t kMostDirectoryBytes = uint64_t{64} << 20;
// Deflate's best case: 258 bytes from two codes of one bit each.
constexpr uint64_t kMostOfOneByte = 1032;
constexpr uint32_t kWide = 0xffffffff;  // 32-bit placeholder for a number in the 64-bit field
constexpr int kStoredMethod = 0, kDeflateMethod = 8;

/// Position of the directory.
struct Directory {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

[[noreturn]] void fail_as_damaged(std::string_view source, std::string_view problem) {
  fail(source, problem, "damaged or truncated file");
}

/// Returns the offset of the record that ends an archive.
uint64_t find_end(std::string_view file, std::string_view source) {
  const size_t first = file.size() - std::min(file.size(), kEndBytes + kMostCommentBytes);
  const auto tail = file.substr(first);
  for (size_t at = tail.rfind(kEnd); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : tail.rfind(kEnd, at - 1)) {
    if (tail.size() - at < kEndBytes) continue;
    // The comment extends to the end of the file; elsewhere these bytes are a record's content.
    if (little_endian(tail.substr(at + 20, 2)) == tail.size() - at - kEndBytes) return first + at;
  }
  fail_as_damaged(source, "the directory at the end of a zip archive is missing");
}

/// Reads the directory's position in an archive with 64-bit numbers.
Directory read_wide_end(std::string_view file, uint64_t end, std::string_view source) {
  if (end < kWideEndPlaceBytes || file.substr(end - kWideEndPlaceBytes, 4) != kWideEndPlace)
    fail_as_damaged(source, "its zip directory has no 64-bit part");
  const uint64_t at = little_endian(file.substr(end - kWideEndPlaceBytes + 8, 8));
  if (at > end || end - at < kWideEndBytes || file.substr(at, 4) != kWideEnd)
    fail_as_damaged(source, "the 64-bit part of its zip directory is not where it should be");
  const auto record = file.substr(at, kWideEndBytes);
  return {.offset = little_endian(record.substr(48, 8)),
          .bytes = little_endian(record.substr(40, 8)),
          .entries = little_endian(record.substr(32, 8))};
}

Directory read_end(std::string_view file, std::string_view source) {
  const uint64_t end = find_end(file, source);
  const auto record = file.substr(end, kEndBytes);
  Directory directory{.offset = little_endian(record.substr(16, 4)),
                      .bytes = little_endian(record.substr(12, 4)),
                      .entries = little_endian(record.substr(10, 2))};
  if (directory.offset == kWide || directory.bytes == kWide || directory.entries == 0xffff)
    directory = read_wide_end(file, end, source);
  if (directory.offset > end || directory.bytes > end - directory.offset)
    fail_as_damaged(source, fmt::format("its zip directory of {} bytes from byte {} is not in the file",
                                        directory.bytes, directory.offset));
  if (directory.bytes > kMostDirectoryBytes)
    fail_expected({source, fmt::format("a zip directory of at most {} bytes", kMostDirectoryBytes),
                   std::to_string(directory.bytes)});
  return directory;
}

/// Replaces the placeholders of 64-bit numbers with those of extra field 1.
void read_wide_numbers(std::string_view extra, std::initializer_list<uint64_t*> numbers,
                       std::string_view source) {
  ByteReader fields(extra, source, kPart);
  while (!fields.empty()) {
    const uint64_t kind = fields.number(2);
    ByteReader field(fields.take(fields.number(2)), source, kPart);
    if (kind != 1) continue;
    for (uint64_t* number : numbers) {
      if (*number == kWide) *number = field.number(8);
    }
  }
}

/// Reads one entry of the directory; `offset` of the result is that of the record's own header.
ZipRecord read_entry(ByteReader& directory, std::string_view source) {
  if (directory.take(4) != kEntry) fail_as_damaged(source, "its zip directory holds other bytes");
  directory.take(4);
  const uint64_t flags = directory.number(2), method = directory.number(2);
  directory.take(4);
  ZipRecord record;
  record.checksum = static_cast<uint32_t>(directory.number(4));
  record.stored = directory.number(4);
  record.bytes = directory.number(4);
  const uint64_t name = directory.number(2), extra = directory.number(2), comment = directory.number(2);
  directory.take(8);
  record.offset = directory.number(4);
  record.name = directory.take(name);
  read_wide_numbers(directory.take(extra), {&record.bytes, &record.stored, &record.offset}, source);
  directory.take(comment);
  if ((flags & 1) != 0) fail_expected({source, "records that are not encrypted", record.name});
  if (method != kStoredMethod && method != kDeflateMethod)
    fail_expected({fmt::format("{}: record {}", source, record.name),
                   "bytes stored uncompressed or by Deflate", fmt::format("compression method {}", method)});
  record.deflated = method == kDeflateMethod;
  return record;
}

/// Moves `offset` from a record's own header to its content, which must end before byte `limit`.
void find_content(ZipRecord& record, std::string_view file, uint64_t limit, std::string_view source) {
  const auto what = fmt::format("{}: record {}", source, record.name);
  if (record.offset > limit || limit - record.offset < kRecordBytes ||
      file.substr(record.offset, 4) != kRecord)
    fail_as_damaged(what, "is not where the zip directory says");
  const auto header = file.substr(record.offset, kRecordBytes);
  const uint64_t name = little_endian(header.substr(26, 2)), extra = little_endian(header.substr(28, 2));
  const uint64_t before = record.offset + kRecordBytes;
  if (name + extra > limit - before || record.stored > limit - before - name - extra)
    fail_as_damaged(what, fmt::format("its {} bytes are not in the file", record.stored));
  if (file.substr(before, name) != record.name) fail_as_damaged(what, "has another name in its own header");
  record.offset = before + name + extra;
}

/// Throws Error if the two sizes of a record do not fit its method.
void expect_plausible(const ZipRecord& record, std::string_view source) {
  const auto what = fmt::format("{}: record {}", source, record.name);
  if (!record.deflated && record.stored != record.bytes)
    fail_as_damaged(
        what, fmt::format("is stored uncompressed in {} bytes but has {}", record.stored, record.bytes));
  if (record.deflated && record.bytes / kMostOfOneByte > record.stored)
    fail_as_damaged(what,
                    fmt::format("{} compressed bytes cannot hold {} bytes", record.stored, record.bytes));
}

}  // namespace

std::vector<ZipRecord> read_zip_directory(std::string_view file, std::string_view source) {
  const auto place = read_end(file, source);
  ByteReader directory(file.substr(place.offset, place.bytes), source, kPart);
  std::vector<ZipRecord> records;
  while (!directory.empty()) {
    records.push_back(read_entry(directory, source));
    find_content(records.back(), file, place.offset, source);
    expect_plausible(records.back(), source);
  }
  if (records.size() != place.entries)
    fail_as_damaged(source, fmt::format("its zip directory promises {} records and has {}", place.entries,
                                        records.size()));
  return records;
}

}  // namespace ccexpert::io
