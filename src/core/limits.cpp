#include <fmt/format.h>

#include <ccexpert/core/fields.h>
#include <ccexpert/core/limits.h>

#include "core/printable.h"

namespace ccexpert {
namespace {

constexpr double kLargestFraction = 1e9;

/// False for a NaN.
bool holds(const Limits& limits, double number) {
  const auto& [least, most, unit, choices] = limits;
  return (least.is_open ? number > least.at : number >= least.at) &&
         (most.is_open ? number < most.at : number <= most.at);
}

std::string least_in_words(const Bound& least) {
  return fmt::format("{} {}", least.is_open ? "above" : "at least", least.at);
}

std::string most_in_words(const Bound& most) {
  return fmt::format("{} {}", most.is_open ? "below" : "at most", most.at);
}

}  // namespace

std::string in_words(const std::vector<std::string>& choices) {
  std::string list;
  for (size_t i = 0; i < choices.size(); ++i)
    list += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  return list;
}

std::string in_words(const Limits& limits) {
  const auto& [least, most, unit, choices] = limits;
  if (limits.any_number()) return {};
  std::string text;
  if (most.at == kUnlimited) {
    text = least_in_words(least);
  } else if (least.at == -kUnlimited) {
    text = most_in_words(most);
  } else if (least.is_open) {
    text = fmt::format("{} and {}", least_in_words(least), most_in_words(most));
  } else {
    text = fmt::format("{} to {}{}", least.at, most.is_open ? "below " : "", most.at);
  }
  return *unit == '\0' ? text : fmt::format("{} {}", text, unit);
}

std::optional<Refusal> refusal_of(const Limits& limits, int64_t number) {
  if (holds(limits, static_cast<double>(number))) return std::nullopt;
  return Refusal{in_words(limits), fmt::format("{}", number)};
}

std::optional<Refusal> refusal_of(const Limits& limits, double number) {
  if (limits.any_number()) return std::nullopt;
  if (!holds(limits, number)) return Refusal{in_words(limits), fmt::format("{}", number)};
  if (limits.most.at < kUnlimited || number <= kLargestFraction) return std::nullopt;
  return Refusal{most_in_words(kLargestFraction), fmt::format("{}", number)};
}

Refusal refused_text(std::string_view expected, const std::vector<std::string>& choices,
                     std::string_view got) {
  const auto nearest = nearest_name(got, choices);
  return {std::string(expected), fmt::format("'{}'", shortened(got, 120)),
          nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)};
}

}  // namespace ccexpert
