// Allocations that fail on request, as if memory ran out.
#pragma once

#include <cstdint>
#include <functional>

namespace ccexpert::test {

/// Calls `work` repeatedly. In each call, another one of the allocations of at least 1 KiB that this thread
/// makes by operator new fails; the last call meets none. Expects that each failure either leaves `work` as
/// ccexpert::Error of kind resource, or is overcome. Returns the number of Errors.
int64_t expect_errors_without_memory(const std::function<void()>& work);

/// While it lives, one allocation of the other threads fails: the one of this number, from 0. Only one object
/// may live.
class ScarceElsewhere {
 public:
  explicit ScarceElsewhere(int64_t place);
  ~ScarceElsewhere();
  ScarceElsewhere(const ScarceElsewhere&) = delete;
  ScarceElsewhere& operator=(const ScarceElsewhere&) = delete;

  bool has_failed() const;
};

/// Lets every further allocation of this thread fail.
void take_memory_of_this_thread();

}  // namespace ccexpert::test
