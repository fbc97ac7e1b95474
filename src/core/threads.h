// Number of threads.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccexpert {

inline constexpr int64_t kThreadLimit = 1024;

/// Throws Error, beginning with `what`, unless the number is from 0 to kThreadLimit.
void check_threads(std::string_view what, int64_t threads);

/// Returns `threads`, or the number of cores if it is 0.
int64_t threads_or_cores(int64_t threads);

}  // namespace ccexpert
