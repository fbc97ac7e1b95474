#include "serve/base64.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::serve {
namespace {

std::string text_of(std::string_view base64) {
  const auto bytes = from_base64(base64, "x");
  return {bytes.begin(), bytes.end()};
}

TEST(Base64, ReadsBothAlphabetsPaddingAndLines) {
  EXPECT_EQ(text_of(""), "");
  EXPECT_EQ(text_of("Zg=="), "f");
  EXPECT_EQ(text_of("Zm8"), "fo");
  EXPECT_EQ(text_of("Zm9v\r\nYmFy\n"), "foobar");
  EXPECT_EQ(text_of("-_8="), text_of("+/8="));
}

TEST(Base64, RefusesOtherText) {
  EXPECT_EQ(test::error_of([] { from_base64("Zm 9v", "before"); }),
            "before: expected Base64, got another character at place 3");
  EXPECT_EQ(test::error_of([] { from_base64("Z=m9", "before"); }),
            "before: expected Base64, got another character at place 2");
  EXPECT_EQ(test::error_of([] { from_base64("Zm9vY", "before"); }),
            "before: expected whole Base64, got a text that ends within a byte");
}

TEST(Base64, RefusesWrongPaddingAndBitsAfterTheLastByte) {
  for (const char* text : {"Zg=", "Zg===", "Zm9v=", "Zm9v====", "Zm8==", "="})
    EXPECT_THAT(test::error_of([&] { from_base64(text, "before"); }),
                testing::HasSubstr("before: expected Base64 with the right number of \"=\", got "))
        << text;
  for (const char* text : {"Zh==", "Zm9", "Zm+="})
    EXPECT_EQ(test::error_of([&] { from_base64(text, "before"); }),
              "before: expected whole Base64, got bits after the last byte")
        << text;
}

TEST(ImageBytes, ReadDataUrisAndRefuseAddresses) {
  EXPECT_THAT(image_bytes("data:image/png;base64,Zm9v", "x"), testing::ElementsAre('f', 'o', 'o'));
  EXPECT_EQ(test::error_of([] { image_bytes("data:image/png,abc", "x"); }),
            "x: expected \"data:image/png;base64,...\", got a data URI without Base64");
  EXPECT_EQ(test::error_of([] { image_bytes("http://169.254.169.254/latest/meta-data", "x"); }),
            "x: expected a data URI, got the address \"http://169.254.169.254/latest/meta-data\" (the server "
            "fetches nothing: send the image itself)");
  for (const char* file : {"before.png", "/data/A/before.png", "C:\\data\\before.png"})
    EXPECT_THAT(test::error_of([&] { image_bytes(file, "x"); }),
                testing::EndsWith(" (send the image itself, not the name of its file)"));
  EXPECT_EQ(
      test::error_of([] { image_bytes("before.png", "x"); }),
      "x: expected an image, got the text \"before.png\" (send the image itself, not the name of its file)");
  EXPECT_THAT(test::error_of([] { image_bytes(std::string(5000, '.'), "x"); }),
              testing::HasSubstr("x: expected Base64, got another character"));
  EXPECT_LT(test::error_of([] { image_bytes("http://" + std::string(500, 'a'), "x"); }).size(), 200);
}

}  // namespace
}  // namespace ccexpert::serve
