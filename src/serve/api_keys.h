// API keys of a file.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::serve {

inline constexpr size_t kShortestKey = 16;

/// Keys of a file, one a line as "name:key" or "key"; "#" starts a comment. They are kept as SHA-256 and
/// compared in constant time. Thread-safe.
class ApiKeys {
 public:
  /// Throws Error naming the file and the line if a key is shorter than kShortestKey or repeats, or if the
  /// file has none.
  explicit ApiKeys(std::filesystem::path file);

  /// Reads the file again. Throws Error and keeps the old keys if it does not fit.
  void reload();

  /// Returns the name of a key, or nothing if it is not known. A key without a name is named by its line.
  std::optional<std::string> name_of(std::string_view key) const;

 private:
  struct Key {
    std::string name;
    std::array<unsigned char, 32> digest{};
  };
  static Key parsed(std::string_view line, const std::string& place, size_t number);
  std::vector<Key> read() const;

  std::filesystem::path file_;
  mutable std::mutex mutex_;  ///< of `keys_`
  std::vector<Key> keys_;
};

}  // namespace ccexpert::serve
