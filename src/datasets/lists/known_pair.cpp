#include "datasets/lists/known_pair.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::datasets {

void KnownPair::expect_flag(std::optional<bool> other) const {
  if (!flag || !other || *flag == *other) return;
  fail_expected({"change_flag", fmt::format("{}, as in an earlier entry of this pair", *flag ? 1 : 0),
                 *other ? "1" : "0"});
}

}  // namespace ccexpert::datasets
