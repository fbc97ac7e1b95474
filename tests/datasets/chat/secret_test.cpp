// Redaction of a key in server texts: whole, in parts and escaped.
#include "datasets/chat/secret.h"

#include <gtest/gtest.h>

namespace ccexpert::datasets {
namespace {

constexpr const char* kKey = "sk-proj-0123456789/AbC";

std::string cut(const std::string& text, const std::string& key = kKey) {
  return Secret(key).cut(text);
}

TEST(Secret, IsCutWhereverItStands) {
  EXPECT_EQ(cut("Bearer sk-proj-0123456789/AbC."), "Bearer ***.");
  EXPECT_EQ(cut("sk-proj-0123456789/AbC sk-proj-0123456789/AbC"), "*** ***");
  EXPECT_EQ(cut("no key"), "no key");
  EXPECT_EQ(cut(""), "");
}

TEST(Secret, IsCutInPartsThatSayMuchOfIt) {
  EXPECT_EQ(cut("key sk-proj-0123456..."), "key ***...");
  EXPECT_EQ(cut("...-0123456789/AbC wrong"), "...*** wrong");
  EXPECT_EQ(cut("key sk-proj-****/AbC"), "key sk-proj-****/AbC");
}

TEST(Secret, IsCutWhereItIsEscaped) {
  EXPECT_EQ(cut(R"({"key":"sk-proj-0123456789\/AbC"})"), R"({"key":"***"})");
  EXPECT_EQ(cut(R"(\u0073\u006b-proj-0123456789/AbC)"), "***");
  EXPECT_EQ(cut(R"(\\\u0073k-proj-0123456789\\\/AbC!)"), "***!");
  EXPECT_EQ(cut("?key=sk%2Dproj-0123456789%2fAbC&x"), "?key=***&x");
  EXPECT_EQ(cut("&#115;k-proj-0123456789&#x2F;AbC;"), "***;");
  EXPECT_EQ(cut(R"(50 % of \u00e4 & \ stays %zz &#; \u00)"), R"(50 % of \u00e4 & \ stays %zz &#; \u00)");
}

TEST(Secret, OfAKeyWithEscapesIsCutToo) {
  EXPECT_EQ(cut("x a%41b\\u0041c&#65;d y", "a%41b\\u0041c&#65;d"), "x *** y");
}

TEST(Secret, APlaceholderIsAWordOfCaptions) {
  EXPECT_EQ(cut("none of the houses", "none"), "none of the houses");
  EXPECT_EQ(cut("houses", ""), "houses");
  EXPECT_EQ(cut("the token secret is wrong", "secret"), "the token *** is wrong");
}

}  // namespace
}  // namespace ccexpert::datasets
