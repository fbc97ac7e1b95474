// Lists of the universal format, written entry by entry.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
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

/// What an entry of a pair that is written brings to it.
struct Addition {
  std::vector<std::string> captions = {};  ///< those that the pair has are dropped
  std::optional<bool> flag = {};           ///< becomes its change_flag
  bool flag_by_captions = false;           ///< without `flag`: all its captions decide then, see changed_by
};

/// What additions changed in a list's counts.
struct Added {
  int64_t captions = 0;
  int64_t changed = 0;    ///< pairs that became changed, less those that no longer are
  int64_t unchanged = 0;  ///< the same of unchanged ones
};

/// A list that appears whole or not at all: nothing is there until `commit`.
class ListWriter {
 public:
  ListWriter(std::filesystem::path path, ListFormat format);

  /// Appends an entry and returns its number, from 0 on.
  size_t write(const nlohmann::ordered_json& entry);

  /// Puts more to an entry that is written.
  void add(size_t number, const Addition& addition);

  /// Ends the list: what can fail for want of space happens here, so that several lists can be committed
  /// together. Returns what `add` brought.
  Added finish();
  void commit();

  size_t size() const { return size_; }

 private:
  void put(std::string_view text);
  void flush();
  Added write_merged(AtomicFile& merged) const;

  std::filesystem::path path_;
  ListFormat format_;
  AtomicFile file_;
  std::unique_ptr<AtomicFile> merged_;
  std::string buffer_;
  size_t size_ = 0;
  std::map<size_t, Addition> additions_;
};

}  // namespace ccexpert::datasets
