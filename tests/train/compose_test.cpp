// The folder of a composed base.
#include <gmock/gmock.h>

#include "support/errors.h"
#include "train/composed_base.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST_F(ComposedTest, BaseIsWrittenForCaptionsAndNotForAChat) {
  compose();
  EXPECT_FALSE(is_there(base_ / "generation_config.json"));
  EXPECT_TRUE(is_there(base_ / "vocab.json"));
  const auto processor = parse_json(read_file(base_ / "preprocessor_config.json"), "processor");
  EXPECT_EQ(processor["image_mean"], json({0.4, 0.5, 0.6}));
  EXPECT_EQ(processor["resample"], 3);
  EXPECT_EQ(processor["size"]["height"], 84);
}

TEST_F(ComposedTest, FolderMustNotBeThatOfAPart) {
  EXPECT_THAT(
      test::error_of([&] { compose_model({.vision = vision_, .decoder = decoder_, .to = decoder_}); }),
      HasSubstr("--to: expected a folder other than those of the parts"));
}

TEST_F(ComposedTest, FolderMustNotHaveAnAdapter) {
  const auto file = folder_.write("adapted/adapter_config.json", "{}");
  EXPECT_THAT(test::error_of(
                  [&] { compose_model({.vision = vision_, .decoder = decoder_, .to = file.parent_path()}); }),
              HasSubstr("expected a folder without a LoRA adapter, which would be merged into the model"));
}

}  // namespace
}  // namespace ccexpert::train
