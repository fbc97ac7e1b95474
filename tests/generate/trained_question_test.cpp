// Tests of the question that is stored with a model.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/text/prompt.h>

#include "generate/shared/checkpoint_texts.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using nlohmann::json;

std::string read_error(std::string_view config) {
  return test::error_of([&] { trained_question(config, "config.json"); });
}

TEST(TrainedQuestion, IsReadAsItWasWritten) {
  EXPECT_EQ(trained_question(R"({"model_type": "llava_qwen_cc"})", "config.json"), "");
  const auto config = with_trained_question(R"({"hidden_size": 64})", "From <image1> to <image2>?");
  EXPECT_EQ(trained_question(config, "config.json"), "From <image1> to <image2>?");
  const auto values = json::parse(config);
  EXPECT_EQ(values["hidden_size"], 64);
  EXPECT_EQ(values["ccexpert_question"], "From <image1> to <image2>?");
  EXPECT_EQ(trained_question(with_trained_question(config, "Again?"), "config.json"), "Again?");
}

TEST(TrainedQuestion, RefusesWhatIsNoQuestion) {
  EXPECT_EQ(read_error(R"({"ccexpert_question": 3})"),
            "config.json: ccexpert_question: expected a string, got 3");
  EXPECT_EQ(
      read_error(R"({"ccexpert_question": "one <image>"})"),
      "config.json: ccexpert_question: question: expected <image> twice, <image1> and then <image2>, or no "
      "image mark, got <image>");
}

/// Returns the small checkpoint with the files' texts changed.
std::filesystem::path checkpoint_with(const test::TemporaryFolder& folder, std::string_view question,
                                      std::string_view generation) {
  const auto to = folder / "model";
  std::filesystem::copy(test::tiny_folder(), to, std::filesystem::copy_options::recursive);
  if (!question.empty())
    folder.write("model/config.json", with_trained_question(read_file(to / "config.json"), question));
  folder.write("model/generation_config.json", std::string(generation));
  return to;
}

TEST(TrainedQuestion, IsWhatTheCaptionerAsksByDefault) {
  const test::TemporaryFolder folder;
  const auto captioner = Captioner::load(
      checkpoint_with(folder, "Say what is new.", R"({"eos_token_id": [482, 480]})"), {.device = "cpu"});
  EXPECT_EQ(captioner.question(), "Say what is new.");
  EXPECT_EQ(test::tiny_captioner().question(), text::kReferenceQuestion);
  const test::PaintedPairs pairs(1);
  const auto logprob = [&](const Captioner& model, std::string question) {
    return model.caption(pairs[0].before, pairs[0].after, {.question = std::move(question)}).logprob;
  };
  EXPECT_EQ(logprob(captioner, ""), logprob(test::tiny_captioner(), "Say what is new."));
  EXPECT_NE(logprob(captioner, ""), logprob(test::tiny_captioner(), ""));
  EXPECT_EQ(logprob(captioner, std::string(text::kReferenceQuestion)), logprob(test::tiny_captioner(), ""));
}

TEST(CaptionerGeneration, TheCheckpointsPenaltyAndStopIdsHoldUnlessOptionsSayOtherwise) {
  const test::TemporaryFolder folder;
  // Token 198, a newline, follows the end of a turn: the warning appears only for a captioner that stops
  // there.
  const auto captioner = Captioner::load(
      checkpoint_with(folder, "", R"({"eos_token_id": 198, "repetition_penalty": 1.3, "do_sample": true})"),
      {.device = "cpu"});
  const test::PaintedPairs pairs(4);
  const GenerationOptions explicit_penalty{.repetition_penalty = 1.3, .stop_ids = {198}};
  const GenerationOptions plain{.repetition_penalty = 1.0, .stop_ids = {482, 480}};
  bool differs = false;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto ids = [&](const Captioner& model, const GenerationOptions& generation) {
      return model.caption(pairs[i].before, pairs[i].after, {.generation = generation}).token_ids;
    };
    EXPECT_EQ(ids(captioner, {}), ids(test::tiny_captioner(), explicit_penalty));
    EXPECT_EQ(ids(captioner, plain), ids(test::tiny_captioner(), {}));
    differs = differs || ids(captioner, {}) != ids(captioner, plain);
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(to_text(captioner.decoding()), "greedy, at most 64 tokens, repetition penalty 1.3, ends at 198");
}

TEST(CaptionerGeneration, ACheckpointThatCannotBeDecodedAsItAsksIsRefusedAtOnce) {
  const test::TemporaryFolder folder;
  const auto model = checkpoint_with(folder, "", R"({"repetition_penalty": 0})");
  EXPECT_EQ(test::error_of([&] { Captioner::load(model, {.device = "cpu"}); }),
            (model / "generation_config.json").string() +
                ": repetition_penalty: expected above 0 and at most 1000, got 0");
}

}  // namespace
}  // namespace ccexpert::generate
