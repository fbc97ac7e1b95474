// The small checkpoint's decoder compared with transformers' generate (scripts/make_generation_goldens.py).
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/generation_config.h>
#include <ccexpert/model/weights.h>

#include "generate/search.h"
#include "generate/tiny_captioner.h"
#include "generate/token_choice.h"

namespace ccexpert::generate {
namespace {

using nlohmann::json;
using Ids = std::vector<int64_t>;

json golden() {
  const auto file = test::data_folder() / "generation/expected.json";
  return parse_json(read_file(file), file.string());
}

class GenerationGolden : public ::testing::TestWithParam<size_t> {
 protected:
  GenerationGolden() {
    const auto checkpoint = io::open_checkpoint(test::tiny_folder());
    model_ = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                *checkpoint.weights, {.tensor = at::TensorOptions()});
    const auto tensors = io::open_safetensors(test::tiny_folder() / "expected.safetensors");
    images_ = tensors->tensor(case_["image"].dump() + ".image_tokens");
  }

  /// Returns the prompt, extended by tokens.
  DecoderSequences sequences(const Ids& grown = {}) const {
    auto ids = case_["ids"].get<Ids>();
    ids.insert(ids.end(), grown.begin(), grown.end());
    return {model_->decoder(), model_->splice({ids}, images_), max_new_tokens()};
  }

  int64_t max_new_tokens() const { return golden_["max_new_tokens"].get<int64_t>(); }

  /// Returns the default decoding of a checkpoint with these settings; sampling is requested if they have it.
  DecodingConfig decoding(json settings) const {
    settings["eos_token_id"] = golden_["stop_ids"];
    settings["max_new_tokens"] = max_new_tokens();
    const bool samples = settings.value("do_sample", false);
    return CheckpointGeneration(settings.dump(), "golden", {}).decoding({.do_sample = samples}, 512);
  }

  c10::InferenceMode inference_;
  json golden_ = golden();
  json case_ = golden_["cases"][GetParam()];
  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor images_;
};

INSTANTIATE_TEST_SUITE_P(Prompts, GenerationGolden, ::testing::Range(size_t{0}, golden()["cases"].size()));

TEST_P(GenerationGolden, GreedyAndBeamsGiveTheTokensOfTransformers) {
  for (const auto& run : case_["runs"]) {
    if (run.contains("steps")) continue;
    auto sequence = sequences();
    const SearchRequest request{.decoding = decoding(run["settings"]), .on_token = {}, .stop = {}};
    const auto found =
        request.decoding.beams > 1 ? beam_search(sequence, request) : sample(sequence, request);
    EXPECT_EQ(found.front().ids, run["ids"].get<Ids>()) << run["settings"];
  }
}

TEST_P(GenerationGolden, SamplingDrawsFromTheDistributionOfTransformers) {
  for (const auto& run : case_["runs"]) {
    if (!run.contains("steps")) continue;
    const auto decoding = this->decoding(run["settings"]);
    Ids drawn;
    for (size_t step = 0; step < run["steps"].size(); ++step) {
      const auto& expected = run["steps"][step];
      const auto scores = penalize(sequences(drawn).logits(), {drawn}, decoding);
      const auto tokens = sampled_tokens(scores[0], decoding);
      ASSERT_EQ(tokens.ids.size(), expected.size()) << "step " << step;
      double total = 0.0;
      for (const double probability : tokens.probabilities) total += probability;
      for (size_t i = 0; i < tokens.ids.size(); ++i) {
        const auto id = std::to_string(tokens.ids[i]);
        ASSERT_TRUE(expected.contains(id)) << "step " << step << " token " << id;
        EXPECT_NEAR(tokens.probabilities[i] / total, expected[id].get<double>(), 1e-4) << "step " << step;
      }
      drawn.push_back(run["ids"][step].get<int64_t>());
    }
  }
}

TEST(GenerationGoldens, APenaltyOfOnePointOneChangesGreedyCaptions) {
  size_t changed = 0;
  const auto expected = golden();
  for (const auto& one : expected["cases"]) changed += one["runs"][0]["ids"] != one["runs"][1]["ids"] ? 1 : 0;
  EXPECT_GE(changed, 2u) << "otherwise the goldens test nothing";
}

}  // namespace
}  // namespace ccexpert::generate
