/// Exception type of the library, and the format of its messages.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ccexpert {

/// Error with a cause that a caller can act on. `what()` is one sentence on one line: "what: expected ...,
/// got ... (hint)". It is valid UTF-8 of at most kLongestError bytes for any input text: invalid bytes,
/// control characters, terminal escapes and bidirectional controls are written as \xNN or \uNNNN, and a
/// longer text is cut in the middle.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view text);
};

inline constexpr size_t kLongestError = 1024;

/// Parts of an error message; `hint` may be empty.
struct Mismatch {
  std::string_view what;
  std::string_view expected;
  std::string_view got;
  std::string_view hint = {};
};

/// Throws Error("what: expected ..., got ... (hint)"). If the text is too long, cuts its longest parts.
[[noreturn]] void fail(const Mismatch& mismatch);

/// Throws Error("what: problem (hint)"), for a failure without an expected value.
[[noreturn]] void fail(std::string_view what, std::string_view problem, std::string_view hint = {});

}  // namespace ccexpert
