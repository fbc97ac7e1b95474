/// The one exception type of the library, and the one form of its messages.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace ccexpert {

/// Everything that goes wrong for a reason a caller can act on. `what()` is one sentence without a line break
/// at the end: "what: expected ..., got ... (hint)".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parts of an error message; `hint` may be empty.
struct Mismatch {
  std::string_view what;
  std::string_view expected;
  std::string_view got;
  std::string_view hint = {};
};

/// Throws Error("what: expected ..., got ... (hint)").
[[noreturn]] void fail(const Mismatch& mismatch);

/// Throws Error("what: problem (hint)"), for a failure that has no expectation to name.
[[noreturn]] void fail(std::string_view what, std::string_view problem, std::string_view hint = {});

}  // namespace ccexpert
