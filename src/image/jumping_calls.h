// Calls of the C libraries that report an error by a jump (libpng, libjpeg).
#pragma once

#include <array>
#include <csetjmp>
#include <cstdio>

namespace ccexpert {

/// Runs steps of such a library and keeps its error text.
class JumpingCalls {
 public:
  /// False if the library gave up within `step`. A jump leaves the step's frame, so the step must not hold an
  /// object with a destructor.
  template <class Step>
  bool run(const Step& step) {
    if (setjmp(target_) != 0) return false;
    step();
    return true;
  }

  /// For the library's error handler: ends the step that runs.
  [[noreturn]] void give_up(const char* text) {
    std::snprintf(text_.data(), text_.size(), "%s", text);
    std::longjmp(target_, 1);
  }

  /// The library's error text.
  const char* text() const { return text_.data(); }

 private:
  std::jmp_buf target_{};
  std::array<char, 256> text_{};
};

}  // namespace ccexpert
