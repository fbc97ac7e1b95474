#include <gtest/gtest.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Error, NamesWhatWasExpectedAndWhatWasFound) {
  EXPECT_EQ(message_of([] { fail({.what = "a.png", .expected = "an image", .got = "text"}); }),
            "a.png: expected an image, got text");
}

TEST(Error, HintStandsInParenthesesAtTheEnd) {
  EXPECT_EQ(message_of([] { fail({.what = "dtype", .expected = "f32", .got = "f3", .hint = "see --help"}); }),
            "dtype: expected f32, got f3 (see --help)");
  EXPECT_EQ(message_of([] { fail("a.json", "cannot be read", "no such file"); }),
            "a.json: cannot be read (no such file)");
}

}  // namespace
}  // namespace ccexpert
