// The demo model reports a change exactly if there is one.
#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/captioner.h>
#include <ccexpert/image/decode.h>

#include "support/paths.h"
#include "support/shared_data.h"

namespace ccexpert::generate {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

const std::array<std::string, 5> kUnchanged{"there is no difference .", "the two scenes seem identical .",
                                            "the scene is the same as before .", "no change has occurred .",
                                            "almost nothing has changed ."};

bool says_unchanged(const Caption& caption) {
  return std::find(kUnchanged.begin(), kUnchanged.end(), caption.text) != kUnchanged.end();
}

/// Returns the same ground under a lower sun: darker, but less so in red.
image::Image in_evening_light(image::Image image) {
  constexpr std::array<double, 3> kLight{0.9, 0.82, 0.75};
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>(image.pixels[i] * kLight[i % 3]);
  return image;
}

class DemoModel : public ::testing::Test {
 protected:
  static image::Image image(const char* name) {
    return image::decode_image(std::filesystem::path(test::kSourceDir) / "docs/images/demo" / name);
  }

  Captioner captioner_ = Captioner::load(demo_model());
};

TEST_F(DemoModel, NamesWhatWasBuilt) {
  const auto before = image("before.png"), after = image("after.png");
  const auto caption = captioner_.caption(before.view(), after.view());
  EXPECT_EQ(caption.finish, FinishReason::kEndToken);
  EXPECT_THAT(caption.text, AnyOf(HasSubstr("house"), HasSubstr("villa"), HasSubstr("building")));
}

TEST_F(DemoModel, SeesNoChangeInAnotherLight) {
  for (const char* name : {"before.png", "after.png"}) {
    const auto same = image(name), darker = in_evening_light(image(name));
    const auto caption = captioner_.caption(same.view(), darker.view());
    EXPECT_TRUE(says_unchanged(caption)) << name << ": " << caption.text;
  }
}

TEST_F(DemoModel, IsRightOnRealPairs) {
  const auto folder = test::real_pairs();
  if (!folder) GTEST_SKIP() << test::kNoRealPairs;
  const auto samples = *folder / "levir-cd-samples";
  for (const char* name : {"test_2_0000_0000.png", "test_55_0256_0000.png", "test_7_0256_0512.png",
                           "train_36_0512_0512.png", "val_27_0000_0256.png"}) {
    const auto before = image::decode_image(samples / "A" / name),
               after = image::decode_image(samples / "B" / name);
    const auto caption = captioner_.caption(before.view(), after.view());
    EXPECT_FALSE(says_unchanged(caption)) << name << ": " << caption.text;
    const auto darker = in_evening_light(before);
    EXPECT_TRUE(says_unchanged(captioner_.caption(before.view(), darker.view()))) << name;
  }
  // Taken years apart, the first in glaring light; its label has no change.
  const auto before = image::decode_image(samples / "A/train_386_0512_0768.png");
  const auto after = image::decode_image(samples / "B/train_386_0512_0768.png");
  const auto caption = captioner_.caption(before.view(), after.view());
  EXPECT_TRUE(says_unchanged(caption)) << caption.text;
}

}  // namespace
}  // namespace ccexpert::generate
