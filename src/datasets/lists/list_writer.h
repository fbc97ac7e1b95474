// Writer of lists in the universal format, entry by entry.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "datasets/shared/convert.h"

namespace ccexpert::datasets {

/// Returns ".json" or ".jsonl".
const char* extension_of(ListFormat format);

/// Returns the format for a file name: JSON Lines for .jsonl and .ndjson, else an array.
ListFormat format_of(const std::filesystem::path& file);

/// Returns JSON text on one line; invalid UTF-8 becomes U+FFFD.
std::string json_line(const nlohmann::ordered_json& value);

/// Data that a further entry adds to a pair already written.
struct Addition {
  std::vector<std::string> captions = {};  ///< captions that the pair already has are dropped
  std::optional<bool> flag = {};           ///< becomes the pair's change_flag
  bool flag_by_captions = false;           ///< without `flag`: all captions decide, see changed_by
};

/// Changes of a list's counts due to additions.
struct Added {
  int64_t captions = 0;
  int64_t changed = 0;    ///< pairs that became changed minus pairs that no longer are
  int64_t unchanged = 0;  ///< likewise for unchanged pairs
};

/// Atomic writer of a list: the file appears only with `commit`.
class ListWriter {
 public:
  ListWriter(std::filesystem::path path, ListFormat format);

  /// Appends an entry and returns its index.
  size_t write(const nlohmann::ordered_json& entry);

  /// Adds data to an entry already written.
  void add(size_t number, const Addition& addition);

  /// Completes the list. All steps that can run out of space happen here, so that several lists can be
  /// committed together. Returns the effect of `add`.
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
