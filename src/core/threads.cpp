#include "core/threads.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

void check_threads(std::string_view what, int64_t threads) {
  if (threads >= 0 && threads <= kThreadLimit) return;
  fail_expected(
      {what, fmt::format("0 to {} threads", kThreadLimit), std::to_string(threads), "0: one for each core"});
}

int64_t threads_or_cores(int64_t threads) {
  return threads > 0 ? threads : std::max<int64_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace ccexpert
