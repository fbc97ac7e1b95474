// Option of commands that write weights.
#pragma once

#include <ccexpert/core/limits.h>

namespace ccexpert::tools {

/// Largest size of one file of weights in MB; its bytes fit in 64 bits.
inline constexpr Limits kShardMegabytes = in_range(open(0), 1'000'000'000);

}  // namespace ccexpert::tools
