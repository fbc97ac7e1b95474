#include "generate/shared_prefix.h"

#include <algorithm>
#include <limits>

namespace ccexpert::generate {
namespace {

int64_t shared_of_row(const std::vector<int64_t>& last, const std::vector<int64_t>& next,
                      int64_t tokens_per_image) {
  const auto end = std::mismatch(last.begin(), last.end(), next.begin(), next.end()).second;
  int64_t positions = 0;
  for (auto id = next.begin(); id != end; ++id) positions += *id < 0 ? tokens_per_image : 1;
  return end == next.end() ? positions - 1 : positions;
}

}  // namespace

int64_t shared_prefix(const std::vector<std::vector<int64_t>>& last,
                      const std::vector<std::vector<int64_t>>& next, int64_t tokens_per_image) {
  if (last.size() != next.size() || next.empty()) return 0;
  auto shared = std::numeric_limits<int64_t>::max();
  for (size_t row = 0; row < next.size(); ++row)
    shared = std::min(shared, shared_of_row(last[row], next[row], tokens_per_image));
  return std::max<int64_t>(shared, 0);
}

}  // namespace ccexpert::generate
