#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/geo/values.h>

namespace ccexpert::geo {
namespace {

constexpr int64_t kMostShards = 1'000'000;

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) return std::nullopt;
  }
  return number;
}

/// Returns both numbers of "A,B" if A is below B.
std::optional<std::pair<double, double>> ascending_pair(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto low = number_of<double>(text.substr(0, comma));
  const auto high = number_of<double>(text.substr(comma + 1));
  if (!low || !high || *low >= *high) return std::nullopt;
  return std::pair{*low, *high};
}

}  // namespace

std::optional<Length> Length::from_text(std::string_view text) {
  const bool metres = text.ends_with('m');
  if (metres) text.remove_suffix(1);
  const auto value = number_of<double>(text);
  if (!value || *value < 0.0 || *value > 1e9) return std::nullopt;
  if (!metres && *value != std::floor(*value)) return std::nullopt;
  return Length{*value, metres};
}

std::string Length::text() const {
  return fmt::format("{}{}", value, metres ? "m" : "");
}

std::optional<Stretch> Stretch::from_text(std::string_view text) {
  constexpr std::string_view kFixedPrefix = "fixed:";
  if (text == "auto") return Stretch{};
  if (text == "none") return Stretch{.kind = Kind::kNone};
  const bool fixed = text.starts_with(kFixedPrefix);
  if (fixed) text.remove_prefix(kFixedPrefix.size());
  const auto ends = ascending_pair(text);
  if (!ends || (!fixed && (ends->first < 0.0 || ends->second > 100.0))) return std::nullopt;
  return Stretch{fixed ? Kind::kFixed : Kind::kPercentiles, ends->first, ends->second};
}

std::string Stretch::text() const {
  switch (kind) {
    case Kind::kAuto:
      return "auto";
    case Kind::kNone:
      return "none";
    case Kind::kPercentiles:
      return fmt::format("{},{}", low, high);
    case Kind::kFixed:
      return fmt::format("fixed:{},{}", low, high);
  }
  return {};
}

std::optional<Shard> Shard::from_text(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto index = number_of<int64_t>(text.substr(0, slash));
  const auto count = number_of<int64_t>(text.substr(slash + 1));
  if (!index || !count || *count < 1 || *count > kMostShards || *index < 1 || *index > *count)
    return std::nullopt;
  return Shard{*index, *count};
}

std::string Shard::text() const {
  return fmt::format("{}/{}", index, count);
}

}  // namespace ccexpert::geo
