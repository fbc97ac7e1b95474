// Zip archives: the directory, and records that are uncompressed or compressed by Deflate. Every number in
// the file is checked against the file's size before memory is allocated for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ccexpert::io {

struct ZipRecord {
  std::string name;
  uint64_t offset = 0;    ///< of its first byte in the file
  uint64_t stored = 0;    ///< bytes in the file
  uint64_t bytes = 0;     ///< bytes of its content
  uint32_t checksum = 0;  ///< CRC-32 of its content; 0 if the writer recorded none
  bool deflated = false;
};

class ZipArchive {
 public:
  /// Reads the directory from a file's bytes, which must outlive the archive. `source` (the file's name)
  /// starts every Error: for a damaged directory, encrypted records, overlapping records, or repeated names.
  ZipArchive(std::string_view file, std::string source);

  const std::vector<ZipRecord>& records() const { return records_; }  ///< in the order of the directory
  const ZipRecord* find(const std::string& name) const;

  /// Returns a record's bytes as stored in the file.
  std::string_view stored(const ZipRecord& record) const {
    return file_.substr(record.offset, record.stored);
  }

  /// Returns a record's whole content. Throws Error if it exceeds `limit` bytes or is damaged.
  std::string read(const ZipRecord& record, uint64_t limit) const;

  /// Writes the content of a deflated record from byte `start` on to `to`, which must end within it. No other
  /// content is kept in memory. Throws Error if the data are damaged anywhere in the record.
  void inflate(const ZipRecord& record, uint64_t start, std::span<char> to) const;

  /// Throws Error if the record has a checksum and it differs from `found`.
  void expect_checksum(const ZipRecord& record, uint32_t found) const;

 private:
  void expect_apart() const;
  [[noreturn]] void fail_for(const ZipRecord& record, std::string_view problem) const;

  std::string_view file_;
  std::string source_;
  std::vector<ZipRecord> records_;
  std::unordered_map<std::string, size_t> places_;
};

}  // namespace ccexpert::io
