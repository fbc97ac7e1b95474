// Grouping of uids by a regular expression.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::datasets {

class UidGroups {
 public:
  /// Compiles a Perl regular expression. Throws Error if it is invalid.
  explicit UidGroups(const std::string& expression);
  ~UidGroups();
  UidGroups(const UidGroups&) = delete;
  UidGroups& operator=(const UidGroups&) = delete;

  /// Returns the match's first group, or the whole match if the expression has no group, or the uid itself
  /// without a match. Throws Error for a uid that exceeds the limits of time or memory.
  std::string group_of(std::string_view uid) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::datasets
