#include "core/printable.h"

#include <array>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/core/error.h>

#include "core/utf8.h"
#include "support/errors.h"

namespace ccexpert {
namespace {

using test::error_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Printable, LettersOfAllLanguagesStay) {
  const std::string text = "a b\\\"' \xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x8f\xa0 \xe2\x80\x8d";
  EXPECT_EQ(printable(text), text);
}

TEST(Printable, BytesThatAreNoCharactersBecomeEscapes) {
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
}

TEST(Printable, WhatATerminalObeysBecomesVisible) {
  EXPECT_EQ(printable(std::string("\x1b[2J\0\x7f", 6)), "\\x1b[2J\\x00\\x7f");
  EXPECT_EQ(printable("a\r\nb\tc"), "a\\r\\nb\\tc");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\u009b2J");
  EXPECT_EQ(printable("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f"), "\\u202e\\u2066\\u200f");
  EXPECT_EQ(printable("\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"), "\\u2028\\u2029\\u0085");
  EXPECT_EQ(printable("\xef\xbb\xbf\xe2\x80\x8b\xf3\xa0\x81\x81"), "\\ufeff\\u200b\\U000e0041");
}

TEST(Printable, ShortTextsKeepTheirEnds) {
  EXPECT_EQ(shortened("0123456789", 10), "0123456789");
  EXPECT_EQ(shortened("0123456789abcdef", 14), "012345 ... def");
  const std::string wide = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
  for (size_t most = 0; most < wide.size(); ++most)
    EXPECT_EQ(first_invalid_utf8(shortened(wide, most)), std::string::npos) << most;
}

TEST(Printable, ListsNameTheFirstAndCountTheRest) {
  const std::vector<std::string> names{"a", "b", "c", "d"};
  EXPECT_EQ(first_few(names), "a, b, c, d");
  EXPECT_EQ(first_few(names, 2), "a, b and 2 more");
  EXPECT_EQ(first_few(names, 3, "; "), "a; b; c and 1 more");
  EXPECT_EQ(first_few(std::vector<std::string>{}), "");
  EXPECT_LT(first_few(std::vector<std::string>(9, std::string(5000, 'x'))).size(), 700U);
}

TEST(ErrorText, IsShortAndKeepsEveryPart) {
  const std::string huge(50'000, 'n');
  const auto text =
      error_of([&] { fail_expected({.what = "a.json", .expected = huge, .got = huge, .hint = "see docs"}); });
  EXPECT_LE(text.size(), kLongestError);
  EXPECT_THAT(text, StartsWith("a.json: expected nnn"));
  EXPECT_THAT(text, HasSubstr("nnn, got nnn"));
  EXPECT_THAT(text, EndsWith("nnn (see docs)"));
  EXPECT_LE(error_of([&] { throw Error(huge); }).size(), kLongestError);
  EXPECT_THAT(error_of([&] { fail(huge, "is wrong"); }), EndsWith("nnn: is wrong"));
}

TEST(ErrorText, IsOneLineOfUtf8WhateverItIsMadeOf) {
  EXPECT_EQ(error_of([] { fail_expected({.what = "f\n", .expected = "x", .got = "'\x1b[31m\xff'"}); }),
            "f\\n: expected x, got '\\x1b[31m\\xff'");
  EXPECT_EQ(error_of([] { throw Error("a\nb"); }), "a\\nb");
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 3000, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    const auto text = error_of([&] { fail_expected({bytes, "x", bytes, bytes}); });
    ASSERT_EQ(first_invalid_utf8(text), std::string::npos);
    ASSERT_EQ(text.find_first_of("\n\r\x1b"), std::string::npos);
    ASSERT_LE(text.size(), kLongestError);
    ASSERT_EQ(printable(text), text);
  }
}

}  // namespace
}  // namespace ccexpert
