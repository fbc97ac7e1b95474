// Zip archives: the directory, and records that are stored plain or compressed by Deflate. Every number of
// the file is checked against the file's size before anything is allocated for it.
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
  uint32_t checksum = 0;  ///< CRC-32 of its content; 0 where the writer recorded none
  bool deflated = false;
};

class ZipArchive {
 public:
  /// Reads the directory of a file's bytes, which outlive the archive. `source` (the file's name) begins
  /// every Error: of a damaged directory, encrypted records, records that overlap, or names that stand twice.
  ZipArchive(std::string_view file, std::string source);

  const std::vector<ZipRecord>& records() const { return records_; }  ///< in the order of the directory
  const ZipRecord* find(const std::string& name) const;

  /// A record's bytes as they lie in the file.
  std::string_view stored(const ZipRecord& record) const {
    return file_.substr(record.offset, record.stored);
  }

  /// A record's whole content. Throws Error where that is more than `limit` bytes, or damaged.
  std::string read(const ZipRecord& record, uint64_t limit) const;

  /// Writes the content of a deflated record from byte `start` on into `to`, which ends within it. Nothing
  /// else is kept in memory. Throws Error for data that are damaged anywhere in the record.
  void inflate(const ZipRecord& record, uint64_t start, std::span<char> to) const;

  /// Throws the Error of a record whose content has another checksum than `found`, if one is recorded.
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
