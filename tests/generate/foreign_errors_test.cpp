// Foreign exceptions leave the room as Errors.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/generation_config.h>
#include <ccexpert/model/weights.h>

#include "generate/shared/checkpoint_texts.h"
#include "generate/shared/decode.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/scarce_memory.h"

namespace ccexpert::generate {
namespace {

using test::expect_errors_without_memory;

const std::string kBlanks(2000, ' ');

TEST(ForeignErrorsOfGenerate, AConfigOfAnotherTypeIsAnError) {
  try {
    with_trained_question("3", "What is new?");
    FAIL() << "a number is not a config";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
  }
}

TEST(ForeignErrorsOfGenerate, TextsThatDoNotFitAreAnError) {
  const std::string config = "{}" + kBlanks;
  const std::string processor = R"({"size": {"height": 384, "width": 384}, "note": ")" + kBlanks + "\"}";
  // The copy of this argument is below the allocations that fail, the buffers for it are not.
  const std::string small = R"({"size": 384, "note": ")" + std::string(970, 'x') + "\"}";
  const std::string asking = R"({"ccexpert_question": ")" + kBlanks + "?\"}";
  const std::string generation = R"({"eos_token_id": [)" + std::string("1,") + kBlanks + "2]}";
  EXPECT_GT(expect_errors_without_memory([&] { parse_preprocess_config(processor, config, {}); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { preprocessor_for(small, 84); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { trained_question(asking, "config.json"); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { with_trained_question(config, kBlanks); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { CheckpointGeneration(generation, "g.json", {}); }), 0);
}

TEST(ForeignErrorsOfGenerate, SettingsThatDoNotFitAreAnError) {
  const CheckpointGeneration generation("", "generation_config.json", {1});
  const GenerationOptions asked{.stop_ids = std::vector<int64_t>(1000, 2)};
  EXPECT_GT(expect_errors_without_memory([&] { static_cast<void>(generation.decoding(asked, 512)); }), 0);
}

TEST(ForeignErrorsOfGenerate, APromptOfAnotherWidthIsAnError) {
  const auto checkpoint = io::open_checkpoint(test::tiny_folder());
  const auto model = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                        *checkpoint.weights, {.tensor = at::TensorOptions()});
  const SearchRequest request{.decoding = {.max_new_tokens = 1}, .on_token = {}, .stop = {}};
  const model::PaddedSequences prompts{.embeddings = at::zeros({1, 2, 3}), .lengths = {2}};
  const auto error = test::error_of([&] { decode(model->decoder(), prompts, request); });
  EXPECT_TRUE(error.starts_with("internal error: ")) << error;
}

}  // namespace
}  // namespace ccexpert::generate
