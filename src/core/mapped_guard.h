// What becomes of a program that reads mapped memory whose file has become shorter.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ccexpert {

/// While it lives, reading a page of [data, data + bytes) that the system cannot supply gives zeros, and
/// `is_broken` says so from then on; without it, SIGBUS ends the process. Signals for other memory go to the
/// handler that the program had before.
class MappedGuard {
 public:
  MappedGuard(const void* data, size_t bytes);
  ~MappedGuard();
  MappedGuard(const MappedGuard&) = delete;
  MappedGuard& operator=(const MappedGuard&) = delete;

  bool is_broken() const;

  /// Memory that a signal handler may look at: it is never freed, and used again by later guards.
  struct Range {
    std::atomic<uintptr_t> begin{0};
    std::atomic<uintptr_t> end{0};
    std::atomic<bool> broken{false};
    std::atomic<bool> taken{false};
    Range* next = nullptr;
  };

 private:
  Range* range_;
};

}  // namespace ccexpert
