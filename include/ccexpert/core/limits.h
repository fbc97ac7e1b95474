/// Values that a field or an option accepts: a range of numbers, or some values of an enum.
///
///     in_range(1, 1024)       1 to 1024
///     in_range(0, open(1))    0 to below 1
///     at_least(1), above(0)
///     among(Precision::kBfloat16, Precision::kFloat32)
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <ccexpert/core/error.h>
#include <ccexpert/core/names.h>

namespace ccexpert {

/// End of a range.
struct Bound {
  template <class Number>  ///< Converts a number
  requires std::is_arithmetic_v<Number>
  constexpr Bound(Number number)  // NOLINT(google-explicit-constructor): ranges are written as numbers
      : at(static_cast<double>(number)) {}

  double at;             ///< end of the range
  bool is_open = false;  ///< `at` itself is outside
};

/// Returns the end of a range that does not contain it.
constexpr Bound open(Bound bound) {
  bound.is_open = true;
  return bound;
}

inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();  ///< a range without this end

struct Limits {
  Bound least = -kUnlimited;       ///< smallest number
  Bound most = kUnlimited;         ///< largest number
  const char* unit = "";           ///< after the range in messages and help
  uint64_t choices = ~uint64_t{};  ///< bit N: the enum's value N is accepted
  /// True without a range.
  constexpr bool any_number() const { return least.at == -kUnlimited && most.at == kUnlimited; }
  template <Named Enum>  ///< True for a choice that is accepted
  constexpr bool accept(Enum value) const {
    return ((choices >> static_cast<uint64_t>(value)) & 1U) != 0;
  }
};

constexpr Limits in_range(Bound least, Bound most, const char* unit = "") {  ///< Returns a range
  return {.least = least, .most = most, .unit = unit};
}
constexpr Limits at_least(Bound least) {  ///< Returns a range without upper end
  return {.least = least};
}
constexpr Limits above(Bound least) {  ///< Returns a range without its lower end
  return {.least = open(least)};
}
template <Named... Enum>  ///< Returns some of the choices of an enum
constexpr Limits among(Enum... values) {
  return {.choices = ((uint64_t{1} << static_cast<uint64_t>(values)) | ...)};
}

/// Most threads of any kind: an OpenMP runtime that cannot start its threads ends the process.
inline constexpr int64_t kThreadLimit = 1024;
inline constexpr Limits kThreads = in_range(0, kThreadLimit, "threads");  ///< number of threads; 0: all cores

/// Returns the range in words, such as "0 to below 1" or "1 to 1024 threads"; "" if it is unlimited.
std::string in_words(const Limits& limits);

/// Returns the names that can be given, without aliases and without the name of an unset option.
template <Named Enum>
std::vector<std::string> choices_of(const Limits& limits = {}) {
  std::vector<std::string> names;
  for (const auto& each : names_of(Enum{})) {
    if (*each.text != '\0' && limits.accept(each.value)) names.emplace_back(each.text);
  }
  return names;
}

/// Returns "a, b or c".
std::string in_words(const std::vector<std::string>& choices);

/// Returns the accepted values of a type in words; "" if it has neither names nor limits.
template <class Value>
std::string accepted_in_words(const Limits& limits) {
  if constexpr (Named<Value>) return in_words(choices_of<Value>(limits));
  if constexpr (HasText<Value>) return std::string(Value::kForms);
  return in_words(limits);
}

/// Reason why a value is not accepted, in the parts of an error message.
struct Refusal {
  std::string expected;   ///< accepted values, in words
  std::string got;        ///< refused value
  std::string hint = {};  ///< remedy, if any
};

/// Returns the reason why a value is not accepted, or nothing. A fraction without a largest value must not
/// exceed 1e9: counts of steps, bytes or milliseconds that derive from it would overflow.
std::optional<Refusal> refusal_of(const Limits& limits, int64_t number);
std::optional<Refusal> refusal_of(const Limits& limits, double number);  ///< the same for a fraction

/// Returns {expected, "'x'", "did you mean b?"}; the hint is for a likely typo of one of the choices.
Refusal refused_text(std::string_view expected, const std::vector<std::string>& choices,
                     std::string_view got);

template <class Value>  ///< The same for the type of any field
std::optional<Refusal> refusal_of(const Limits& limits, const Value& value) {
  if constexpr (Named<Value>) {
    const auto choices = choices_of<Value>(limits);
    if (!limits.accept(value)) return refused_text(in_words(choices), choices, name_of(value));
  } else if constexpr (std::is_integral_v<Value> && !std::is_same_v<Value, bool>) {
    return refusal_of(limits, static_cast<int64_t>(value));
  } else if constexpr (requires { value.has_value(); }) {
    if (value) return refusal_of(limits, *value);  // an unset value is accepted
  }
  return std::nullopt;
}

/// Returns the value with this text form, or nothing if there is none within the limits.
template <Worded Value>
std::optional<Value> value_of(std::string_view text, const Limits& limits = {}) {
  if constexpr (Named<Value>) {
    const auto value = value_named<Value>(text);
    return value && limits.accept(*value) ? value : std::nullopt;
  } else {
    return Value::from_text(text);
  }
}

/// Returns the reason why a text without a value is not accepted.
template <Worded Value>
Refusal refused_text(std::string_view text, const Limits& limits = {}) {
  std::vector<std::string> choices;
  if constexpr (Named<Value>) choices = choices_of<Value>(limits);
  return refused_text(accepted_in_words<Value>(limits), choices, text);
}

/// Returns the value with this text form. Throws Error, which begins with `what`, for another text.
template <Worded Value>
Value parse_text(std::string_view text, std::string_view what, const Limits& limits = {}) {
  if (const auto value = value_of<Value>(text, limits)) return *value;
  const auto refusal = refused_text<Value>(text, limits);
  fail_expected({what, refusal.expected, refusal.got, refusal.hint});
}

}  // namespace ccexpert
