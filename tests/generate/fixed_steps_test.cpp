// Searches by decode steps of fixed shapes against those with a growing cache.
#include "generate/fixed_steps.h"

#include <algorithm>
#include <stdexcept>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "generate/search.h"
#include "generate/tiny_captioner.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using ::testing::HasSubstr;

constexpr int64_t kMany = int64_t{1} << 30;

/// Calls the work again, on any device.
class Called : public runtime::RepeatableWork {
 public:
  Called(std::function<void()> work, int64_t& calls) : work_(std::move(work)), calls_(calls) {}
  void repeat() override {
    ++calls_;
    work_();
  }

 private:
  const std::function<void()> work_;
  int64_t& calls_;
};

/// Three prompts of unlike lengths about pairs of the small checkpoint.
class FixedStepsTest : public ::testing::Test {
 protected:
  FixedStepsTest() {
    const auto checkpoint = io::open_checkpoint(test::tiny_folder());
    model_ = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                *checkpoint.weights, {.tensor = at::TensorOptions()});
    images_ = io::open_safetensors(test::tiny_folder() / "expected.safetensors")->tensor("0.image_tokens");
    for (const auto& more : std::vector<std::vector<int64_t>>{{}, {7, 8, 9}, {30}}) {
      auto ids = test::tiny_expected()["pairs"][0]["ids"].get<std::vector<int64_t>>();
      ids.insert(ids.end(), more.begin(), more.end());
      prompts_.push_back(std::move(ids));
    }
  }

  DecoderSequences prompts(size_t count = 3) const {
    const std::vector<std::vector<int64_t>> ids(prompts_.begin(),
                                                prompts_.begin() + static_cast<std::ptrdiff_t>(count));
    const auto images = at::cat(std::vector<at::Tensor>(count, images_));
    return {model_->decoder(), model_->splice(ids, images), kTokens};
  }

  Recorder recorder() {
    return [this](const std::function<void()>& work) {
      ++recorded_;
      return std::make_unique<Called>(work, calls_);
    };
  }

  void expect_same_search(FixedSteps& steps, const DecodingConfig& decoding, size_t count = 3) {
    const SearchRequest request{.decoding = decoding, .on_token = {}, .stop = {}};
    auto ordinary = prompts(count);
    const auto fixed = steps.sequences(ordinary, decoding);
    ASSERT_NE(fixed, nullptr);
    const auto found = grow(*fixed, request), expected = grow(ordinary, request);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].ids, expected[i].ids) << i;
      EXPECT_NEAR(found[i].logprob, expected[i].logprob, 1e-4) << i;
      EXPECT_EQ(found[i].finish, expected[i].finish) << i;
    }
  }

  /// Returns the bytes of a step for three prompts, whose capacity is a multiple of 64.
  int64_t bytes_of_three() const {
    const auto ordinary = prompts();
    const auto longest = std::ranges::max(ordinary.cache().lengths());
    return model::FixedCache::bytes(ordinary.cache(), 3, (longest + kTokens + 63) / 64 * 64);
  }

  /// Returns the tokens of each prompt if none ends.
  std::vector<GeneratedSequence> endless() const {
    auto ordinary = prompts();
    return grow(ordinary, {.decoding = {.max_new_tokens = kTokens}, .on_token = {}, .stop = {}});
  }

  static constexpr int64_t kTokens = 12;
  const c10::InferenceMode inference_;
  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor images_;
  std::vector<std::vector<int64_t>> prompts_;
  int64_t recorded_ = 0, calls_ = 0;
};

TEST_F(FixedStepsTest, GreedyRowsOfUnlikeLengthsEndAtTheirTime) {
  FixedSteps steps(model_->decoder(), recorder(), kMany);
  expect_same_search(steps, {.max_new_tokens = kTokens});
  EXPECT_EQ(calls_, kTokens - 1) << "the last token is in no step";
  const auto all = endless();
  // A row that ends leaves the other ones in their places.
  for (const auto& row : all)
    expect_same_search(steps, {.max_new_tokens = kTokens, .stop_ids = {row.ids[2], all[0].ids[6]}});
  EXPECT_EQ(recorded_, 1) << "prompts of the same sizes share a step";
}

TEST_F(FixedStepsTest, BeamsAreCopiedToFreeRows) {
  FixedSteps steps(model_->decoder(), recorder(), kMany);
  const auto all = endless();
  for (const int64_t beams : {2, 5}) {
    expect_same_search(steps, {.max_new_tokens = kTokens, .beams = beams});
    expect_same_search(steps, {.max_new_tokens = kTokens, .beams = beams, .stop_ids = {all[1].ids[3]}});
  }
  EXPECT_EQ(recorded_, 2);
}

TEST_F(FixedStepsTest, SamplesAreDrawnFromTheSameLogits) {
  FixedSteps steps(model_->decoder(), recorder(), kMany);
  expect_same_search(steps, {.max_new_tokens = kTokens, .temperature = 0.9, .repetition_penalty = 1.2});
}

TEST_F(FixedStepsTest, AStepOfOtherSizesIsMadeAndTheOldestForgotten) {
  FixedSteps steps(model_->decoder(), recorder(), bytes_of_three());
  for (int round = 0; round < 2; ++round) {
    expect_same_search(steps, {.max_new_tokens = kTokens}, 1);
    expect_same_search(steps, {.max_new_tokens = kTokens}, 2);
  }
  EXPECT_EQ(recorded_, 2);
  expect_same_search(steps, {.max_new_tokens = kTokens}, 3);
  expect_same_search(steps, {.max_new_tokens = kTokens}, 1);
  EXPECT_EQ(recorded_, 4) << "three rows took the room of the others";
}

TEST_F(FixedStepsTest, ThereIsNoneWithoutRoomUseOrNeed) {
  const auto ordinary = prompts();
  FixedSteps small(model_->decoder(), recorder(), bytes_of_three() - 1);
  FixedSteps steps(model_->decoder(), recorder(), bytes_of_three());
  EXPECT_EQ(small.sequences(ordinary, {.max_new_tokens = kTokens}), nullptr);
  EXPECT_EQ(steps.sequences(ordinary, {.max_new_tokens = 7}), nullptr);
  EXPECT_EQ(steps.sequences(ordinary, {.max_new_tokens = kTokens, .mbr = 2}), nullptr);
  const auto first = steps.sequences(ordinary, {.max_new_tokens = kTokens});
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(steps.sequences(ordinary, {.max_new_tokens = kTokens}), nullptr) << "it is in use";
}

TEST_F(FixedStepsTest, ARecordingThatFailsIsReportedOnceAndNotRepeated) {
  FixedSteps steps(
      model_->decoder(),
      [this](const std::function<void()>&) -> std::unique_ptr<runtime::RepeatableWork> {
        ++recorded_;
        throw std::runtime_error("no capture here\nwith a trace");
      },
      kMany);
  ::testing::internal::CaptureStderr();
  for (int round = 0; round < 2; ++round)
    EXPECT_EQ(steps.sequences(prompts(), {.max_new_tokens = kTokens}), nullptr);
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("decoding without CUDA graphs from now on: no capture here\n"));
  EXPECT_EQ(recorded_, 1);
}

TEST_F(FixedStepsTest, MoreTokensThanPlacesAreRefused) {
  FixedSteps steps(model_->decoder(), recorder(), kMany);
  const auto fixed = steps.sequences(prompts(1), {.max_new_tokens = 8});
  ASSERT_NE(fixed, nullptr);
  EXPECT_THAT(error_of([&] {
                for (int i = 0; i < 100; ++i) fixed->grow({0}, {5});
              }),
              HasSubstr("fixed KV cache: expected at most "));
}

TEST_F(FixedStepsTest, TheEnvironmentTurnsThemOff) {
  const auto made = [&] { return fixed_steps_of(model_->decoder(), at::kCPU); };
  EXPECT_EQ(made(), nullptr) << "a CPU records nothing";
  const test::Environment wrong("CCEXPERT_GPU_GRAPHS", "yes");
  EXPECT_EQ(error_of(made), "CCEXPERT_GPU_GRAPHS: expected auto or off, got yes");
}

}  // namespace
}  // namespace ccexpert::generate
