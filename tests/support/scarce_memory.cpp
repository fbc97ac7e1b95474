#include "support/scarce_memory.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include <gtest/gtest.h>

#include <ccexpert/core/error.h>

namespace {

/// Smaller allocations succeed: nlohmann::json allocates in destructors, which must not throw.
constexpr size_t kSmallest = 1024;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

/// Large allocations of this thread until the one that fails.
thread_local int64_t allocations_left = kNever;

/// True if the requested failure has happened.
thread_local bool has_failed = false;

}  // namespace

void* operator new(size_t size) {
  if (size >= kSmallest && allocations_left != kNever && allocations_left-- == 0) {
    allocations_left = kNever;
    has_failed = true;
    throw std::bad_alloc();
  }
  void* memory = std::malloc(std::max<size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Also replaced, as AddressSanitizer refuses memory of its own `new` in the `delete` below.
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return std::malloc(std::max<size_t>(size, 1));
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace ccexpert::test {
namespace {

/// Returns true if `work` threw an Error. Its allocation number `place` fails.
bool throws_error(const std::function<void()>& work, int64_t place) {
  has_failed = false;
  allocations_left = place;
  try {
    work();
    allocations_left = kNever;
  } catch (const Error& error) {
    allocations_left = kNever;
    EXPECT_EQ(error.kind(), ErrorKind::kResource) << place << ": " << error.what();
    return true;
  } catch (const std::exception& error) {
    allocations_left = kNever;
    ADD_FAILURE() << "allocation " << place << ": foreign exception: " << error.what();
  }
  return false;
}

}  // namespace

int64_t expect_errors_without_memory(const std::function<void()>& work) {
  int64_t errors = 0;
  // Each of the first allocations, then fewer and fewer.
  for (int64_t place = 0; !::testing::Test::HasFailure(); place += 1 + place / 50) {
    errors += throws_error(work, place) ? 1 : 0;
    if (!has_failed) break;
  }
  return errors;
}

}  // namespace ccexpert::test
