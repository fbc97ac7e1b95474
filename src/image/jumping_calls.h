// Calls of C libraries that report an error by longjmp (libpng, libjpeg).
#pragma once

#include <array>
#include <csetjmp>
#include <cstdio>

namespace ccexpert::image {

/// Runs steps of such a library and stores its error text.
class JumpingCalls {
 public:
  /// Returns false if the library failed within `step`. The longjmp leaves the step's frame, so the step must
  /// not have an object with a destructor.
  template <class Step>
  bool run(const Step& step) {
    if (setjmp(target_) != 0) return false;
    step();
    return true;
  }

  /// Ends the current step; for the library's error handler.
  [[noreturn]] void give_up(const char* text) {
    std::snprintf(text_.data(), text_.size(), "%s", text);
    std::longjmp(target_, 1);
  }

  /// Returns the library's error text.
  const char* text() const { return text_.data(); }

 private:
  std::jmp_buf target_{};
  std::array<char, 256> text_{};
};

}  // namespace ccexpert::image
