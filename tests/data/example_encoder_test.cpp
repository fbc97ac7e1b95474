#include "data/example_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/drawn_pairs.h"
#include "support/errors.h"

namespace ccexpert::data {
namespace {

using test::draw;
using test::error_of;
using test::noise;
using test::rectangle;
using test::TemporaryFolder;
using test::tiny_tokenizer;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;

struct Encoded {
  std::vector<float> pixels;
  std::vector<int64_t> ids, labels;
  std::vector<float> mask, classes;

  bool operator==(const Encoded&) const = default;
};

Encoded encode(ExampleEncoder& encoder, const ChangeExample& example, size_t caption = 0) {
  Encoded result;
  // Marks the elements that encode does not write.
  result.pixels.assign(encoder.pixel_values(), 77.0F);
  result.mask.assign(encoder.mask_values(), 77.0F);
  result.classes.assign(encoder.class_values(), 77.0F);
  encoder.encode(example, caption, {result.pixels, result.ids, result.labels, result.mask, result.classes});
  return result;
}

Encoded encode(const LoaderOptions& options, const ChangeExample& example, size_t caption = 0) {
  ExampleEncoder encoder(tiny_tokenizer(), options);
  return encode(encoder, example, caption);
}

std::vector<float> preprocessed(const std::filesystem::path& before, const std::filesystem::path& after,
                                const image::PreprocessConfig& config) {
  const auto values = static_cast<size_t>(3 * config.size * config.size);
  std::vector<float> planes(2 * values);
  image::preprocess(image::decode_image(before).view(), config, std::span(planes).first(values));
  image::preprocess(image::decode_image(after).view(), config, std::span(planes).last(values));
  return planes;
}

class Encoder : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const ChangeExample pair_{.uid = "u",
                            .before = draw(folder_, "a.png", noise(20, 12, 1)),
                            .after = draw(folder_, "b.png", noise(16, 16, 2)),
                            .captions = {"a road is built", "two houses appear"},
                            .mask = draw(folder_, "m.png", rectangle(8, 8, 1, 6, 2, 5))};
  const LoaderOptions options_{.preprocess = {.size = 16}, .mask_patch = 8};
};

TEST_F(Encoder, PixelsAreThePreprocessedImages) {
  for (const auto aspect : {image::AspectMode::kSquare, image::AspectMode::kPad}) {
    auto options = options_;
    options.preprocess.aspect = aspect;
    EXPECT_EQ(encode(options, pair_).pixels, preprocessed(pair_.before, pair_.after, options.preprocess));
  }
}

TEST_F(Encoder, TextIsEncodedAsTheTextRoomDoesIt) {
  for (const auto style : {text::LabelStyle::kReference, text::LabelStyle::kCaptionOnly}) {
    auto options = options_;
    options.labels = style;
    options.question = "Here is <image>, there <image>. What differs?";
    for (size_t caption = 0; caption < 2; ++caption) {
      const auto expected = text::encode_training_example(
          tiny_tokenizer(), {options.question, pair_.captions[caption]}, style, {});
      const auto actual = encode(options, pair_, caption);
      EXPECT_EQ(actual.ids, expected.ids);
      EXPECT_EQ(actual.labels, expected.labels);
    }
  }
}

TEST_F(Encoder, MaskIsSharesOfPatches) {
  EXPECT_THAT(encode(options_, pair_).mask, ElementsAre(6 / 16.0F, 3 / 16.0F, 4 / 16.0F, 2 / 16.0F));
}

TEST_F(Encoder, APairWithoutMaskGetsMinusOne) {
  auto pair = pair_;
  pair.mask.clear();
  const auto mask = encode(options_, pair).mask;
  EXPECT_EQ(mask.size(), 4U);
  EXPECT_THAT(mask, Each(Eq(-1.0F)));
}

TEST_F(Encoder, MasksThatAreNotAskedForAreNotRead) {
  auto pair = pair_;
  pair.mask = folder_ / "none.png";
  auto options = options_;
  options.mask_patch = 0;
  EXPECT_TRUE(encode(options, pair).mask.empty());
  EXPECT_THAT(error_of([&] { encode(options_, pair); }), HasSubstr("none.png: cannot be opened"));
}

TEST_F(Encoder, ClassesAreSharesOfPatchesOfEachImage) {
  auto pair = pair_;
  pair.classes_after = draw(folder_, "c.png", rectangle(8, 8, 0, 4, 0, 2, 2));
  auto options = options_;
  options.classes = 3;
  const auto classes = encode(options, pair).classes;
  ASSERT_EQ(classes.size(), 2U * 4U * 3U);
  EXPECT_THAT(std::vector(classes.begin(), classes.begin() + 12), Each(Eq(-1.0F)));
  EXPECT_THAT(std::vector(classes.begin() + 12, classes.end()),
              ElementsAre(0.5F, 0, 0.5F, 1, 0, 0, 1, 0, 0, 1, 0, 0));
  options.classes = 0;
  EXPECT_TRUE(encode(options, pair).classes.empty());
}

TEST_F(Encoder, AMapOfOtherClassesIsNamed) {
  auto pair = pair_;
  pair.classes_before = draw(folder_, "c.png", rectangle(8, 8, 0, 1, 0, 1, 3));
  auto options = options_;
  options.classes = 3;
  EXPECT_EQ(error_of([&] { encode(options, pair); }),
            (folder_ / "c.png").string() + ": class map: expected classes 0 to 2, got 3");
}

TEST_F(Encoder, EveryFileThatCannotBeReadIsNamed) {
  const auto damaged = folder_.write("damaged.png", "no image");
  auto options = options_;
  options.classes = 2;
  for (const auto member : {&ChangeExample::before, &ChangeExample::after, &ChangeExample::mask,
                            &ChangeExample::classes_before, &ChangeExample::classes_after}) {
    auto pair = pair_;
    pair.*member = damaged;
    EXPECT_THAT(error_of([&] { encode(options, pair); }), testing::StartsWith(damaged.string() + ":"));
  }
}

TEST_F(Encoder, TokensOfImagesCountTowardsTheLimit) {
  auto options = options_;
  options.image_tokens = 100;
  const auto tokens = static_cast<int64_t>(encode(options, pair_).ids.size()) + 2 * 99;
  options.max_tokens = tokens;
  EXPECT_FALSE(encode(options, pair_).ids.empty());
  options.max_tokens = tokens - 1;
  EXPECT_EQ(error_of([&] { encode(options, pair_); }),
            fmt::format("sample: expected at most {} tokens, got {}", tokens - 1, tokens));
}

TEST_F(Encoder, CacheChangesNothing) {
  for (const auto aspect : {image::AspectMode::kSquare, image::AspectMode::kPad}) {
    auto options = options_;
    options.preprocess.aspect = aspect;
    const auto expected = encode(options, pair_);
    for (const int64_t bytes : {1, 800, 1 << 20}) {
      options.cache_bytes = bytes;
      ExampleEncoder encoder(tiny_tokenizer(), options);
      for (int visit = 0; visit < 3; ++visit) EXPECT_EQ(encode(encoder, pair_), expected) << bytes;
    }
  }
}

/// Returns which of the pair's three files are still read after a first visit.
std::vector<std::string> read_again(const LoaderOptions& options, const ChangeExample& pair) {
  ExampleEncoder encoder(tiny_tokenizer(), options);
  encode(encoder, pair);
  std::vector<std::string> names;
  for (const auto& file : {pair.before, pair.after, pair.mask}) {
    const auto aside = file.string() + ".aside";
    std::filesystem::rename(file, aside);
    if (error_of([&] { encode(encoder, pair); }) != "no error") names.push_back(file.filename().string());
    std::filesystem::rename(aside, file);
  }
  return names;
}

TEST_F(Encoder, CacheKeepsWhatHasRoomAndNoMore) {
  // Images take 16 * 16 * 3 = 768 bytes, the mask 4 * 4 = 16.
  const auto read_with = [&](int64_t bytes, image::AspectMode aspect = image::AspectMode::kSquare) {
    auto options = options_;
    options.cache_bytes = bytes;
    options.preprocess.aspect = aspect;
    return read_again(options, pair_);
  };
  EXPECT_THAT(read_with(0), ElementsAre("a.png", "b.png", "m.png"));
  EXPECT_THAT(read_with(15), ElementsAre("a.png", "b.png", "m.png"));
  EXPECT_THAT(read_with(16), ElementsAre("a.png", "b.png"));
  EXPECT_THAT(read_with(768 + 15), ElementsAre("b.png", "m.png"));
  EXPECT_THAT(read_with(768 + 16), ElementsAre("b.png"));
  EXPECT_THAT(read_with(2 * 768), ElementsAre("m.png"));
  EXPECT_THAT(read_with(2 * 768 + 16), ElementsAre());
  EXPECT_THAT(read_with(1 << 20, image::AspectMode::kPad), ElementsAre("a.png"));
}

TEST(EncoderOptions, ImpossibleOnesAreNamed) {
  const auto error = [](auto change) {
    LoaderOptions options{.preprocess = {.size = 16}};
    change(options);
    return error_of([&] { ExampleEncoder(tiny_tokenizer(), options); });
  };
  EXPECT_EQ(error([](auto&) {}), "no error");
  EXPECT_EQ(error([](auto& o) { o.preprocess.size = 0; }),
            "loader: image size: expected a number from 1 to 16384, got 0");
  EXPECT_EQ(error([](auto& o) { o.mask_patch = 17; }),
            "loader: mask_patch: expected a number from 0 to 16, got 17");
  EXPECT_THAT(error([](auto& o) { o.classes = 2; }), HasSubstr("loader: classes: "));
  EXPECT_THAT(error([](auto& o) { o.image_tokens = 0; }), HasSubstr("loader: image_tokens: "));
  EXPECT_THAT(error([](auto& o) { o.max_tokens = -1; }), HasSubstr("loader: max_tokens: "));
  EXPECT_THAT(error([](auto& o) { o.workers = -1; }), HasSubstr("loader: workers: "));
  EXPECT_THAT(error([](auto& o) { o.prefetch = 0; }), HasSubstr("loader: prefetch: "));
  EXPECT_THAT(error([](auto& o) { o.cache_bytes = -1; }), HasSubstr("loader: cache_bytes: "));
  EXPECT_THAT(error([](auto& o) { o.question = "one <image>"; }), HasSubstr("question: expected <image>"));
}

}  // namespace
}  // namespace ccexpert::data
