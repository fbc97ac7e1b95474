// Texts of any origin as parts of a message: valid UTF-8, on one line, of bounded length.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace ccexpert {

/// The text on one line, without anything that a terminal obeys: bytes that form no character and control
/// characters become \xNN (or \n, \r, \t), bidirectional controls, line separators and invisible characters
/// become \uNNNN. The result of a result is the same text.
std::string printable(std::string_view text);

/// The text cut to `most` bytes: " ... " replaces its middle. No character is cut.
std::string shortened(std::string_view text, size_t most);

/// Each part printable, and the longest of them cut until all together have `most` bytes.
std::string joined_printable(std::span<const std::string_view> parts, size_t most);

/// "a, b, c and 12 more": the first `most` of a range of printable things.
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
