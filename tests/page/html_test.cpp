#include "page/html.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace ccexpert::page {
namespace {

TEST(Html, TextsStayTexts) {
  EXPECT_EQ(html_escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
  EXPECT_EQ(script_safe("{\"a\":\"</script>\"}"), "{\"a\":\"\\u003c/script>\"}");
}

TEST(Html, PicturesAreKnownByTheirContent) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(picture_address(folder.write("a", "\x89PNG-x"), 100), "data:image/png;base64,iVBORy14");
  EXPECT_EQ(picture_address(folder.write("b", "\xff\xd8\xff"), 100), "data:image/jpeg;base64,/9j/");
  EXPECT_EQ(picture_address(folder.write("c", "BM12"), 100), "data:image/bmp;base64,Qk0xMg==");
  EXPECT_EQ(picture_address(folder.write("d.png", "text"), 100), "");
  EXPECT_EQ(picture_address(folder / "none.png", 100), "");
  EXPECT_EQ(picture_address(folder.write("e", "\x89PNG-large"), 5), "");
}

}  // namespace
}  // namespace ccexpert::page
