/// Selection of some pairs of a file, or of some captions of a pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/names.h>

namespace ccexpert {
class CounterRandom;
}

namespace ccexpert::data {

enum class SelectedPart { kAll, kFirst, kEnd, kRandom };
constexpr auto names_of(SelectedPart) {
  return std::to_array<Name<SelectedPart>>({{SelectedPart::kAll, "all"},
                                            {SelectedPart::kFirst, "first"},
                                            {SelectedPart::kEnd, "end"},
                                            {SelectedPart::kRandom, "random"}});
}

/// "all", "first:N", "end:N" or "random:N"; N is a count, or a share such as "10%", rounded up.
class Selection {
 public:
  static constexpr std::string_view kForms =
      "all, first:N, end:N or random:N, N a count of at least 1 or 1% to 100%";

  static std::optional<Selection> from_text(std::string_view text);
  std::string text() const;

  bool is_all() const { return part_ == SelectedPart::kAll; }

  /// Returns ascending indices of the selected ones among `count`.
  std::vector<size_t> chosen(size_t count, const CounterRandom& random) const;

 private:
  SelectedPart part_ = SelectedPart::kAll;
  int64_t number_ = 0;  ///< count, or per cent
  bool is_share_ = false;
};

}  // namespace ccexpert::data
