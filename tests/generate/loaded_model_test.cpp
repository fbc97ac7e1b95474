// Settings of a checkpoint folder, and the pixels of several images.

#include <algorithm>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/loaded_model.h>

#include "generate/shared/checkpoint_texts.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

class Settings : public ::testing::Test {
 protected:
  ModelSettings read(const std::string& question = {}) const {
    return read_model_settings(texts_, config_, question);
  }

  CheckpointTexts texts_ = texts_of(io::open_checkpoint(test::tiny_folder()));
  model::ModelConfig config_ = model::parse_model_config(texts_.config_json, "config.json");
};

TEST_F(Settings, AreThoseOfTheTexts) {
  texts_.generation_json = R"({"repetition_penalty": 1.2})";
  const auto settings = read();
  EXPECT_EQ(settings.question, test::tiny_captioner().question());
  EXPECT_EQ(settings.preprocess.size, config_.vision.image_size);
  EXPECT_EQ(settings.end_of_turn(), 482);
  EXPECT_EQ(settings.decoding({}).repetition_penalty, 1.2);
  EXPECT_EQ(settings.decoding({}).stop_ids, (std::vector<int64_t>{482, 480}));
  EXPECT_EQ(text::encode_prompt(*settings.tokenizer, settings.question, settings.prompt),
            test::tiny_expected()["pairs"][0]["ids"].get<std::vector<int64_t>>());
}

TEST_F(Settings, AskTheGivenQuestionElseTheTrainedOne) {
  texts_.config_json = with_trained_question(texts_.config_json, "Say what is new.");
  EXPECT_EQ(read().question, "Say what is new.");
  EXPECT_EQ(read("What changed?").question, "What changed?");
}

TEST_F(Settings, NameTheFileOfAnInvalidText) {
  texts_.preprocessor_json = R"({"do_resize": false})";
  texts_.preprocessor_source = "processor of a test";
  EXPECT_THAT(test::error_of([&] { read(); }), StartsWith("processor of a test: do_resize: "));
  texts_.preprocessor_json = "";
  texts_.generation_json = R"({"eos_token_id": "x"})";
  const auto source = (test::tiny_folder() / "generation_config.json").string();
  EXPECT_THAT(test::error_of([&] { read(); }), StartsWith(source + ": eos_token_id: "));
  texts_.generation_json = "";
  config_.decoder.vocab_size = 482;
  EXPECT_THAT(
      test::error_of([&] { read(); }),
      EndsWith("expected a tokenizer of at most 482 tokens, got 483 (tokenizer and model do not belong "
               "together)"));
}

TEST(LoadPixels, PutsEachImageInItsPlace) {
  const image::PreprocessConfig config{.size = 28};
  const std::vector<image::Image> images{test::painted(1), test::painted(2), test::painted(3)};
  const auto pixels = load_pixels(3, config.size, [&](int64_t i, std::span<float> slot) {
    image::preprocess(images[static_cast<size_t>(i)].view(), config, slot);
  });
  ASSERT_EQ(pixels.sizes(), (std::vector<int64_t>{3, 3, 28, 28}));
  for (int64_t i = 0; i < 3; ++i) {
    auto expected = at::empty({3, 28, 28}, at::kFloat);
    image::preprocess(images[static_cast<size_t>(i)].view(), config,
                      {expected.mutable_data_ptr<float>(), static_cast<size_t>(expected.numel())});
    EXPECT_TRUE(at::equal(pixels[i], expected)) << i;
  }
}

TEST(LoadPixels, UsesTheThreadsOfLibTorch) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::vector<std::thread::id> ids(2);
  load_pixels(2, 28, [&](int64_t i, std::span<float> slot) {
    std::ranges::fill(slot, 0.0F);
    ids[static_cast<size_t>(i)] = std::this_thread::get_id();
  });
  at::set_num_threads(threads);
  EXPECT_NE(ids[0], ids[1]);
}

TEST(LoadPixels, OfNoImagesAreEmpty) {
  const auto pixels = load_pixels(0, 28, [](int64_t, std::span<float>) { FAIL(); });
  EXPECT_EQ(pixels.sizes(), (std::vector<int64_t>{0, 3, 28, 28}));
}

}  // namespace
}  // namespace ccexpert::generate
