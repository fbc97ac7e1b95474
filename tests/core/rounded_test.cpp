// Decimals of numbers.
#include "core/rounded.h"

#include <gtest/gtest.h>

namespace ccexpert {
namespace {

TEST(Rounded, IsTheNearestNumberToItsDecimals) {
  // 3 x 0.1 is 0.30000000000000004.
  EXPECT_EQ(rounded(0.304, 10.0), 0.3);
  EXPECT_EQ(rounded(0.0000125, 1e6), 0.000013);
  EXPECT_EQ(rounded(-1.4999996, 1e6), -1.5);
  EXPECT_EQ(rounded(1024.499, 1.0), 1024.0);
}

}  // namespace
}  // namespace ccexpert
