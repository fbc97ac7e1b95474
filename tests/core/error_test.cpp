#include <cerrno>
#include <cstring>

#include <fmt/format.h>
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
  EXPECT_EQ(message_of([] { fail_expected({.what = "a.png", .expected = "an image", .got = "text"}); }),
            "a.png: expected an image, got text");
}

TEST(Error, HintStandsInParenthesesAtTheEnd) {
  EXPECT_EQ(message_of([] {
              fail_expected({.what = "dtype", .expected = "f32", .got = "f3", .hint = "see --help"});
            }),
            "dtype: expected f32, got f3 (see --help)");
  EXPECT_EQ(message_of([] { fail("a.json", "cannot be read", "no such file"); }),
            "a.json: cannot be read (no such file)");
}

TEST(ErrorKind, IsInputUnlessAnotherIsGiven) {
  const auto kind_of = [](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of([] { fail("x", "is wrong"); }), ErrorKind::kInput);
  EXPECT_EQ(kind_of([] { fail("memory", "not enough", "", ErrorKind::kResource); }), ErrorKind::kResource);
  EXPECT_EQ(kind_of([] { fail_expected({"x", "a", "b"}); }), ErrorKind::kInput);
  EXPECT_EQ(kind_of([] { fail_expected({"x", "a", "b", "", ErrorKind::kMissing}); }), ErrorKind::kMissing);
}

TEST(ErrorKind, OfASystemErrorFollowsItsCode) {
  const std::pair<int, ErrorKind> cases[] = {{ENOENT, ErrorKind::kMissing},  {ENOTDIR, ErrorKind::kMissing},
                                             {EACCES, ErrorKind::kResource}, {ENOSPC, ErrorKind::kResource},
                                             {ENOMEM, ErrorKind::kResource}, {EISDIR, ErrorKind::kInput}};
  for (const auto& [code, kind] : cases) {
    try {
      fail_system("list.json", "cannot be opened", code);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << std::strerror(code);
      EXPECT_STREQ(error.what(),
                   fmt::format("list.json: cannot be opened ({})", std::strerror(code)).c_str());
    }
  }
}

}  // namespace
}  // namespace ccexpert
