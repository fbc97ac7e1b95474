// Protection against SIGBUS in programs that read mapped memory after the file was truncated.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ccexpert {

/// During its lifetime, reading a page of [data, data + bytes) that the system cannot supply gives zeros, and
/// `is_broken` is true from then on; without a guard, SIGBUS ends the process. Signals for other memory go to
/// the program's previous handler.
class MappedGuard {
 public:
  MappedGuard(const void* data, size_t bytes);
  ~MappedGuard();
  MappedGuard(const MappedGuard&) = delete;
  MappedGuard& operator=(const MappedGuard&) = delete;

  bool is_broken() const;

  /// Memory that a signal handler may read: it is never freed, and later guards reuse it.
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
