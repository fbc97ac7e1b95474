// A key that is neither shown nor written.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ccexpert::datasets {

class Secret {
 public:
  /// A key of fewer characters is a placeholder for a server that asks for none: it may be a word of a
  /// caption.
  static constexpr size_t kShortestKey = 6;
  /// A part of the key that is as long as this counts as the key, as where a server cuts its text.
  static constexpr size_t kShortestPart = 12;

  explicit Secret(std::string key);
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// The text with *** instead of the key and of its parts, also where their characters are escaped as in
  /// JSON
  /// (\u0041, \/), in an address (%41) or in HTML (&#65;).
  std::string cut(std::string text) const;

 private:
  /// A text's characters, and where each of them and the end stand in it.
  struct Characters {
    std::string plain = {};
    std::string_view text = {};
    std::vector<size_t> starts = {};
  };
  static Characters unescaped(std::string_view text);
  static Characters as_they_are(std::string_view text);
  std::string cut(const Characters& characters) const;

  std::string key_;
  size_t part_ = 0;
  std::unordered_set<std::string_view> parts_;  ///< of key_, each of part_ characters; none: nothing is cut
};

}  // namespace ccexpert::datasets
