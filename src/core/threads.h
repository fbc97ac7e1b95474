// How many threads work.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccexpert {

inline constexpr int64_t kThreadLimit = 1024;

/// Error, beginning with `what`, for a number that is not 0 to kThreadLimit.
void check_threads(std::string_view what, int64_t threads);

/// `threads`, or one for each core where it is 0.
int64_t threads_or_cores(int64_t threads);

}  // namespace ccexpert
