#include "core/ascii.h"

#include <gtest/gtest.h>

namespace ccexpert {
namespace {

TEST(Ascii, LowerCaseChangesAsciiLettersOnly) {
  EXPECT_EQ(ascii_lower_case("Two NEW @[`{ Roads, 2023"), "two new @[`{ roads, 2023");
  EXPECT_EQ(ascii_lower_case("\xc3\x84\xff"), "\xc3\x84\xff");
  EXPECT_EQ(ascii_lower_case(""), "");
}

}  // namespace
}  // namespace ccexpert
