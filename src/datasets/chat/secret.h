// API key that must be neither shown nor written.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ccexpert::datasets {

class Secret {
 public:
  /// Shorter keys are placeholders for servers without keys and are not redacted: they may be words of a
  /// caption.
  static constexpr size_t kShortestKey = 6;
  /// A part of the key of at least this length counts as the key, because servers may truncate their texts.
  static constexpr size_t kShortestPart = 12;

  explicit Secret(std::string key);
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// Replaces the key and its parts with ***, including characters escaped as in JSON (\u0041, \/), URLs
  /// (%41) or HTML (&#65;).
  std::string cut(std::string text) const;

 private:
  /// Unescaped characters of a text, with the offset of each and of the end.
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
  std::unordered_set<std::string_view> parts_;  ///< substrings of key_ of part_ characters; empty: no cuts
};

}  // namespace ccexpert::datasets
