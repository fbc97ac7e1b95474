/// Exception type of the library, and the format of its messages.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ccexpert {

/// Party that can mend an error: a server answers the first two with 4xx and the others with 5xx.
enum class ErrorKind {
  kInput,     ///< a value, an option or the content of a file is wrong
  kMissing,   ///< a file or folder does not exist
  kResource,  ///< memory, disk space, a permission or a device is lacking
  kInternal,  ///< the program has a fault
};

/// Error with a cause that a caller can act on. `what()` is one sentence on one line: "what: expected ...,
/// got ... (hint)". It is valid UTF-8 of at most kLongestError bytes for any input text: invalid bytes,
/// control characters, terminal escapes and bidirectional controls are written as `\xNN` or `\uNNNN`, and a
/// longer text is cut in the middle.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view text, ErrorKind kind = ErrorKind::kInput);  ///< text becomes one line

  ErrorKind kind() const noexcept { return kind_; }  ///< who can mend it

 private:
  ErrorKind kind_;
};

inline constexpr size_t kLongestError = 1024;  ///< bytes

/// Parts of an error message; `hint` may be empty.
struct Mismatch {
  std::string_view what;               ///< file, key, tensor or option
  std::string_view expected;           ///< accepted values, in words
  std::string_view got;                ///< value that is there
  std::string_view hint = {};          ///< remedy, if any
  ErrorKind kind = ErrorKind::kInput;  ///< who can mend it
};

/// Throws Error("what: expected ..., got ... (hint)"). If the text is too long, its longest parts are cut.
[[noreturn]] void fail_expected(const Mismatch& mismatch);

/// Throws Error("what: problem (hint)"), for a failure without an expectation to name.
[[noreturn]] void fail(std::string_view what, std::string_view problem, std::string_view hint = {},
                       ErrorKind kind = ErrorKind::kInput);

/// Throws Error("what: problem (text of the code)") with the kind of `code`, a value of errno.
[[noreturn]] void fail_system(std::string_view what, std::string_view problem, int code);

}  // namespace ccexpert
