#include "data/shared/selection.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

#include "core/counter_random.h"

namespace ccexpert::data {
namespace {

/// Parses a positive integer; returns 0 for other text.
int64_t whole_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? std::max<int64_t>(0, number) : 0;
}

}  // namespace

std::optional<Selection> Selection::from_text(std::string_view text) {
  Selection selection;
  const auto colon = std::min(text.find(':'), text.size());
  const auto part = value_named<SelectedPart>(text.substr(0, colon));
  if (!part) return std::nullopt;
  if (*part == SelectedPart::kAll) return colon == text.size() ? std::optional(selection) : std::nullopt;
  auto number = text.substr(std::min(colon + 1, text.size()));
  selection.part_ = *part;
  selection.is_share_ = number.ends_with('%');
  if (selection.is_share_) number.remove_suffix(1);
  selection.number_ = whole_number(number);
  const bool valid = selection.number_ > 0 && (!selection.is_share_ || selection.number_ <= 100);
  return valid ? std::optional(selection) : std::nullopt;
}

std::string Selection::text() const {
  if (is_all()) return std::string(name_of(part_));
  return fmt::format("{}:{}{}", name_of(part_), number_, is_share_ ? "%" : "");
}

std::vector<size_t> Selection::chosen(size_t count, const CounterRandom& random) const {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  if (is_all()) return numbers;
  if (part_ == SelectedPart::kRandom) shuffle(numbers, random);
  const auto all = static_cast<int64_t>(count);
  const auto kept = static_cast<size_t>(std::min(all, is_share_ ? (all * number_ + 99) / 100 : number_));
  if (part_ == SelectedPart::kEnd)
    numbers.erase(numbers.begin(), numbers.end() - static_cast<std::ptrdiff_t>(kept));
  numbers.resize(kept);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace ccexpert::data
