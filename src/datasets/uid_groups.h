// Which uids stay together: those in which a regular expression finds the same text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::datasets {

class UidGroups {
 public:
  /// Perl's regular expressions. Throws Error for text that is not one.
  explicit UidGroups(const std::string& expression);
  ~UidGroups();
  UidGroups(const UidGroups&) = delete;
  UidGroups& operator=(const UidGroups&) = delete;

  /// The first group of the match, or all of it where the expression has none; a uid without a match is a
  /// group of its own. Time and memory are bounded: throws Error for a uid that takes more.
  std::string group_of(std::string_view uid) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::datasets
