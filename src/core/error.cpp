#include <array>

#include <ccexpert/core/error.h>

#include "core/printable.h"

namespace ccexpert {

Error::Error(std::string_view text) : std::runtime_error(joined_printable({&text, 1}, kLongestError)) {}

void fail(const Mismatch& mismatch) {
  const bool has_hint = !mismatch.hint.empty();
  const std::array<std::string_view, 8> parts{mismatch.what, ": expected ",      mismatch.expected,
                                              ", got ",      mismatch.got,       has_hint ? " (" : "",
                                              mismatch.hint, has_hint ? ")" : ""};
  throw Error(joined_printable(parts, kLongestError));
}

void fail(std::string_view what, std::string_view problem, std::string_view hint) {
  const bool has_hint = !hint.empty();
  const std::array<std::string_view, 6> parts{
      what, ": ", problem, has_hint ? " (" : "", hint, has_hint ? ")" : ""};
  throw Error(joined_printable(parts, kLongestError));
}

}  // namespace ccexpert
