#include "page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "page/thumbnails.h"
#include "support/errors.h"

namespace ccexpert::page {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Page, TitleIsTextAndTheStyleIsInside) {
  const auto html = to_html({.title = "a <b>", .body = "<p>text</p>\n"});
  EXPECT_THAT(html, AllOf(HasSubstr("<title>a &lt;b&gt;</title>"),
                          HasSubstr("<h1>a &lt;b&gt;</h1>\n<p>text</p>"), HasSubstr(asset("page.css"))));
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http"))));
}

TEST(Page, AScriptFindsItsDataAndTheSharedFunctions) {
  const auto html = to_html({.title = "t", .body = "", .script = "pairs.js", .data = R"({"a":"</script>"})"});
  EXPECT_THAT(
      html, HasSubstr("<script>const data={\"a\":\"\\u003c/script>\"};\n" + std::string(asset("pairs.js"))));
  EXPECT_THAT(html, HasSubstr(std::string(asset("elements.js")) + "</script>"));
}

TEST(Page, FilesAreEmbeddedWhole) {
  EXPECT_TRUE(asset("elements.js").starts_with("function element(tag, name, text) {\n"));
  EXPECT_TRUE(asset("pairs.js").ends_with("});\ndraw();\n"));
  EXPECT_EQ(test::error_of([] { asset("none.js"); }), "none.js: is not an embedded file");
}

TEST(Thumbnails, TheLongerSideIsScaled) {
  const image::Image image{4, 8, std::vector<uint8_t>(3 * 4 * 8, 90)};
  const auto small = thumbnail(image, 4), large = thumbnail(image, 16);
  EXPECT_EQ(std::pair(small.height, small.width), std::pair(int64_t{2}, int64_t{4}));
  EXPECT_EQ(std::pair(large.height, large.width), std::pair(int64_t{8}, int64_t{16}));
  EXPECT_EQ(thumbnail(image, 8).pixels, image.pixels);
  EXPECT_EQ(thumbnail(image, 8, true).pixels.front(), 255);
}

TEST(Thumbnails, AnImageWithoutPixelsIsAnError) {
  EXPECT_THROW(thumbnail({0, 5, {}}, 4), Error);
}

}  // namespace
}  // namespace ccexpert::page
