// Number of threads.
#pragma once

#include <cstdint>
#include <string_view>

#include <ccexpert/core/limits.h>

namespace ccexpert {

/// Throws Error, beginning with `what`, unless the number is from 0 to kThreadLimit.
void check_threads(std::string_view what, int64_t threads);

/// Returns `threads`, or the number of cores if it is 0.
int64_t threads_or_cores(int64_t threads);

}  // namespace ccexpert
