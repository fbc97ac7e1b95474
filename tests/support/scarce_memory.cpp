#include "support/scarce_memory.h"

#include <algorithm>
#include <atomic>
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

/// True after the memory of this thread was taken.
thread_local bool has_none = false;

/// True for the thread that makes others fail.
thread_local bool is_spared = false;

/// Allocations of other threads until the one that fails.
std::atomic<int64_t> left_elsewhere = kNever;
std::atomic<bool> has_failed_elsewhere = false;

bool fails_here(size_t size) {
  if (has_none) return true;
  if (size < kSmallest || allocations_left == kNever || allocations_left-- != 0) return false;
  allocations_left = kNever;
  return has_failed = true;
}

bool fails_elsewhere() {
  if (is_spared || left_elsewhere == kNever || left_elsewhere.fetch_sub(1) != 0) return false;
  left_elsewhere = kNever;
  return has_failed_elsewhere = true;
}

}  // namespace

void* operator new(size_t size) {
  if (fails_here(size) || fails_elsewhere()) throw std::bad_alloc();
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

ScarceElsewhere::ScarceElsewhere(int64_t place) {
  is_spared = true;
  has_failed_elsewhere = false;
  left_elsewhere = place;
}
ScarceElsewhere::~ScarceElsewhere() {
  left_elsewhere = kNever;
  is_spared = false;
}
bool ScarceElsewhere::has_failed() const {
  return has_failed_elsewhere;
}

void take_memory_of_this_thread() {
  has_none = true;
}

}  // namespace ccexpert::test
