// Lists of the universal format, written entry by entry.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/datasets/convert.h>

#include "core/atomic_file.h"

namespace ccexpert::datasets {

/// ".json" or ".jsonl".
const char* extension_of(ListFormat format);

/// The format that a file's name stands for: JSON Lines for .jsonl and .ndjson, else an array.
ListFormat format_of(const std::filesystem::path& file);

/// JSON text on one line; what is no UTF-8 becomes U+FFFD.
std::string json_line(const nlohmann::ordered_json& value);

/// A list that appears whole or not at all: nothing is there until `commit`.
class ListWriter {
 public:
  ListWriter(std::filesystem::path path, ListFormat format);

  /// Appends an entry and returns its number, from 0 on.
  size_t write(const nlohmann::ordered_json& entry);

  /// Puts further captions to an entry that is written; those that it has are dropped.
  void add_captions(size_t number, const std::vector<std::string>& captions);

  /// Ends the list: what can fail for want of space happens here, so that several lists can be committed
  /// together. Returns how many captions `add_captions` brought.
  int64_t finish();
  void commit();

  size_t size() const { return size_; }

 private:
  void put(std::string_view text);
  void flush();
  int64_t write_merged(AtomicFile& merged) const;

  std::filesystem::path path_;
  ListFormat format_;
  AtomicFile file_;
  std::unique_ptr<AtomicFile> merged_;
  std::string buffer_;
  size_t size_ = 0;
  std::map<size_t, std::vector<std::string>> more_captions_;
};

}  // namespace ccexpert::datasets
