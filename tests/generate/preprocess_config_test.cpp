#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "generate/shared/checkpoint_texts.h"
#include "support/errors.h"
#include "support/paths.h"

namespace ccexpert::generate {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

image::PreprocessConfig parsed(std::string_view preprocessor, std::string_view config = "{}") {
  return parse_preprocess_config(preprocessor, config, {.image_size = 84});
}

std::string error_of(std::string_view preprocessor, std::string_view config = "{}") {
  return test::error_of([&] { parsed(preprocessor, config); });
}

TEST(PreprocessConfig, WithoutAFileIsTheReferences) {
  const auto config = parsed("");
  EXPECT_EQ(config.size, 84);
  EXPECT_THAT(config.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(config.deviation, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(config.aspect, image::AspectMode::kSquare);
}

TEST(PreprocessConfig, ReadsTheTinyCheckpointsFile) {
  const auto folder = std::filesystem::path(test::kTestData) / "checkpoint-tiny";
  const auto config =
      parsed(read_file(folder / "preprocessor_config.json"), read_file(folder / "config.json"));
  EXPECT_EQ(config.size, 84);
  EXPECT_THAT(config.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(config.aspect, image::AspectMode::kSquare);
}

TEST(PreprocessConfig, MeanAndDeviationAreTheFiles) {
  const auto config = parsed(R"({"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 1]})");
  EXPECT_THAT(config.mean, ElementsAre(0.48, 0.46, 0.41));
  EXPECT_THAT(config.deviation, ElementsAre(0.27, 0.26, 1.0));
  EXPECT_THAT(parsed(R"({"image_mean": null})").mean, ElementsAre(0.5, 0.5, 0.5));
}

TEST(PreprocessConfig, OnlyPadChangesTheAspect) {
  EXPECT_EQ(parsed("", R"({"image_aspect_ratio": "pad"})").aspect, image::AspectMode::kPad);
  for (const char* mode : {"square", "anyres", "anyres_max_9"}) {
    EXPECT_EQ(parsed("", std::string(R"({"image_aspect_ratio": ")") + mode + "\"}").aspect,
              image::AspectMode::kSquare)
        << mode;
  }
  EXPECT_EQ(error_of("", R"({"image_aspect_ratio": 1})"),
            "config.json: image_aspect_ratio: expected a string, got 1");
  EXPECT_EQ(error_of("", R"({"image_aspect_ratio": "round"})"),
            "config.json: image_aspect_ratio: expected square, pad or anyres, got round");
}

TEST(PreprocessConfig, RefusesWhatIsNoProcessor) {
  EXPECT_EQ(error_of("[]"), "preprocessor_config.json: expected a JSON object, got array");
  EXPECT_EQ(error_of("{").find("preprocessor_config.json: expected JSON, got parse error"), 0u);
  for (const std::string triple : {"[0.5, 0.5]", "[0.5, 0.5, \"x\"]", "{\"a\": 1}"}) {
    EXPECT_THAT(error_of("{\"image_mean\": " + triple + "}"),
                StartsWith("preprocessor_config.json: image_mean: expected three numbers, got an "));
  }
  EXPECT_EQ(error_of(R"({"image_mean": 0.5})"),
            "preprocessor_config.json: image_mean: expected three numbers, got 0.5");
}

TEST(PreprocessConfig, RefusesNumbersThatNoNormalisationHas) {
  for (const std::string value : {"128", "-0.1", "1e300", "9e18"}) {
    EXPECT_THAT(
        error_of("{\"image_mean\": [0.5, " + value + ", 0.5]}"),
        StartsWith("preprocessor_config.json: image_mean: expected 0 to 1, of values from 0 to 1, got "));
  }
  for (const std::string value : {"0", "-0.5", "1e-300", "9e18", "58"}) {
    EXPECT_THAT(
        error_of("{\"image_std\": [0.5, 0.5, " + value + "]}"),
        StartsWith("preprocessor_config.json: image_std: expected 0.01 to 2, of values from 0 to 1, got "));
  }
  EXPECT_EQ(error_of(R"({"image_mean": [0, 0, 0], "image_std": [1, 1, 1]})"), "no error");
}

TEST(PreprocessConfig, NamesWhereTheProcessorStands) {
  EXPECT_EQ(test::error_of([] {
              parse_preprocess_config(R"({"do_resize": false})", "{}", {.image_size = 84},
                                      "processor_config.json: image_processor");
            }),
            "processor_config.json: image_processor: do_resize: expected true, got false");
}

TEST(PreprocessConfig, RefusesStepsThatItDoesNotCompute) {
  EXPECT_EQ(error_of(R"({"rescale_factor": 0.00784313725490196})"),
            "preprocessor_config.json: rescale_factor: expected 1/255, got 0.00784313725490196");
  EXPECT_EQ(error_of(R"({"rescale_factor": "1/255"})"),
            "preprocessor_config.json: rescale_factor: expected a number, got \"1/255\"");
  for (const std::string step : {"do_resize", "do_rescale", "do_normalize"}) {
    EXPECT_EQ(error_of("{\"" + step + "\": false}"),
              "preprocessor_config.json: " + step + ": expected true, got false");
  }
  EXPECT_EQ(error_of(R"({"do_center_crop": true})"),
            "preprocessor_config.json: do_center_crop: expected false, got true");
  EXPECT_EQ(error_of(R"({"size": {"height": 96, "width": 84}})"),
            "preprocessor_config.json: size: expected the vision tower's 84, got height 96, width 84");
  EXPECT_EQ(error_of(R"({"size": 96})"),
            "preprocessor_config.json: size: expected the vision tower's 84, got 96");
  EXPECT_EQ(error_of(R"({"size": {"shortest_edge": 84}})"), "no error");
  EXPECT_EQ(error_of(R"({"size": {"shortest_edge": 336}})"),
            "preprocessor_config.json: size: expected the vision tower's 84, got shortest_edge 336");
  for (const std::string size : {"0", "1000000000", "1e300", "\"84\"", "[84, 84]"})
    EXPECT_THAT(error_of("{\"size\": " + size + "}"),
                StartsWith("preprocessor_config.json: size: expected the vision tower's 84, got "));
  EXPECT_EQ(error_of(R"({"resample": 2})"),
            "preprocessor_config.json: resample: expected 3 (bicubic), got 2");
}

TEST(PreprocessorFor, ChangesTheSizeAlone) {
  const auto other = preprocessor_for(R"({"image_mean": [0.4, 0.5, 0.6], "size": 96})", 84);
  EXPECT_EQ(parsed(other).size, 84);
  EXPECT_THAT(parsed(other).mean, ElementsAre(0.4, 0.5, 0.6));
  EXPECT_EQ(test::error_of([&] { parse_preprocess_config(other, "{}", {.image_size = 96}); }),
            "preprocessor_config.json: size: expected the vision tower's 96, got height 84, width 84");
}

TEST(PreprocessorFor, LeavesATextThatFitsAsItIs) {
  for (const std::string text : {"", "{ }", R"({"size":  84})", R"({"size": {"height": 84,  "width": 84}})"})
    EXPECT_EQ(preprocessor_for(text, 84), text);
}

}  // namespace
}  // namespace ccexpert::generate
