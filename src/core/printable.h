// Sanitised text for messages: valid UTF-8, on one line, of bounded length.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace ccexpert {

/// Returns the text on one line, without terminal control sequences: invalid bytes and control characters
/// become \xNN (or \n, \r, \t); bidirectional controls, line separators and invisible characters become
/// \uNNNN. A second call does not change the text.
std::string printable(std::string_view text);

/// Returns the text cut to `most` bytes: " ... " replaces its middle. Characters are not split.
std::string shortened(std::string_view text, size_t most);

/// Joins the printable parts, after cutting the longest of them until all together have `most` bytes.
std::string joined_printable(std::span<const std::string_view> parts, size_t most);

/// Returns "a, b, c and 12 more": the first `most` elements of a range of formattable values.
template <class Range>
std::string first_few(const Range& range, size_t most = 5, std::string_view separator = ", ") {
  std::string text;
  size_t count = 0;
  for (const auto& each : range) {
    if (++count > most) continue;
    if (count > 1) text += separator;
    text += shortened(fmt::format("{}", each), 120);
  }
  return count > most ? fmt::format("{} and {} more", text, count - most) : text;
}

}  // namespace ccexpert
