/// The one exception type of the library, and the one form of its messages.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ccexpert {

/// Everything that goes wrong for a reason a caller can act on. `what()` is one sentence on one line: "what:
/// expected ..., got ... (hint)". It is valid UTF-8 of at most kLongestError bytes, whatever the text was
/// made of: bytes that form no character, control characters, terminal escapes and bidirectional controls are
/// written as \xNN or \uNNNN, and the middle of a longer text is cut.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view text);
};

inline constexpr size_t kLongestError = 1024;

/// The parts of an error message; `hint` may be empty.
struct Mismatch {
  std::string_view what;
  std::string_view expected;
  std::string_view got;
  std::string_view hint = {};
};

/// Throws Error("what: expected ..., got ... (hint)"). Of a text that is too long, the longest parts are cut.
[[noreturn]] void fail(const Mismatch& mismatch);

/// Throws Error("what: problem (hint)"), for a failure that has no expectation to name.
[[noreturn]] void fail(std::string_view what, std::string_view problem, std::string_view hint = {});

}  // namespace ccexpert
