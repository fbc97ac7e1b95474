// Settings that a checkpoint's generation_config.json decides, and those that are rejected.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/generation_config.h>

#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kVocabulary = 500;

DecodingConfig decoding(std::string_view file, const GenerationOptions& asked = {}) {
  return CheckpointGeneration(file, "generation_config.json", {482, 480}).decoding(asked, kVocabulary);
}

std::string error_of(std::string_view file, const GenerationOptions& asked = {}) {
  return test::error_of([&] { decoding(file, asked); });
}

TEST(GenerationConfig, WithoutAFileDefaultsHoldAndTheTokenizersEndTokens) {
  const auto found = decoding("");
  EXPECT_EQ(found.repetition_penalty, 1.0);
  EXPECT_EQ(found.max_new_tokens, 64);
  EXPECT_THAT(found.stop_ids, ElementsAre(482, 480));
}

TEST(GenerationConfig, TheFileOfAnInstructModelGivesPenaltyAndStopIdsAndStaysGreedy) {
  constexpr auto kFile =
      R"({"bos_token_id": 3, "do_sample": true, "eos_token_id": [12, 11], "pad_token_id": 11,
      "repetition_penalty": 1.05, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "attn_implementation": "sdpa",
      "transformers_version": "4.40.0"})";
  const auto greedy = decoding(kFile);
  EXPECT_EQ(greedy.temperature, 0.0);
  EXPECT_EQ(greedy.top_k, 0);
  EXPECT_EQ(greedy.repetition_penalty, 1.05);
  EXPECT_THAT(greedy.stop_ids, ElementsAre(12, 11));
  const auto sampling = decoding(kFile, {.do_sample = true});
  EXPECT_EQ(sampling.temperature, 0.7);
  EXPECT_EQ(sampling.top_k, 20);
  EXPECT_EQ(sampling.top_p, 0.8);
  EXPECT_EQ(decoding(kFile, {.repetition_penalty = 1.0}).repetition_penalty, 1.0);
  EXPECT_THAT(decoding(kFile, {.stop_ids = {7}}).stop_ids, ElementsAre(7));
}

TEST(GenerationConfig, OtherSupportedValuesHoldToo) {
  const auto found = decoding(
      R"({"eos_token_id": 7, "max_new_tokens": 9, "min_new_tokens": 2, "num_beams": 3, "length_penalty": 0.5})");
  EXPECT_THAT(found.stop_ids, ElementsAre(7));
  EXPECT_EQ(found.max_new_tokens, 9);
  EXPECT_EQ(found.min_new_tokens, 2);
  EXPECT_EQ(found.beams, 3);
  EXPECT_EQ(found.length_penalty, 0.5);
  EXPECT_EQ(decoding(R"({"repetition_penalty": null, "eos_token_id": null, "top_k": null})").stop_ids.size(),
            2u);
}

TEST(GenerationConfig, RefusesValuesThatNoDecodingCanHave) {
  const std::string name = "generation_config.json: ";
  EXPECT_EQ(error_of(R"({"repetition_penalty": 0})"),
            name + "repetition_penalty: expected above 0 and at most 1000, got 0");
  EXPECT_EQ(error_of(R"({"repetition_penalty": -1.1})"),
            name + "repetition_penalty: expected above 0 and at most 1000, got -1.1");
  EXPECT_EQ(error_of(R"({"repetition_penalty": "1.1"})"),
            name + "repetition_penalty: expected a number, got \"1.1\"");
  EXPECT_THAT(error_of(R"({"repetition_penalty": NaN})"), HasSubstr(name + "expected JSON, got "));
  EXPECT_EQ(error_of(R"({"repetition_penalty": 1e300})"),
            name + "repetition_penalty: expected above 0 and at most 1000, got 1e+300");
  EXPECT_EQ(error_of(R"({"temperature": -1})"), name + "temperature: expected 0 to 1000, got -1");
  EXPECT_EQ(error_of(R"({"top_p": 2})"), name + "top_p: expected above 0 and at most 1, got 2");
  EXPECT_EQ(error_of(R"({"num_beams": 0})"), name + "num_beams: expected 1 to 1024, got 0");
  EXPECT_EQ(error_of("[]"), name + "expected a JSON object, got array");
}

TEST(GenerationConfig, RefusesStopIdsThatAreNoTokens) {
  const std::string name = "generation_config.json: eos_token_id: ";
  const auto expected = name + "expected a token id or a list of them, got ";
  EXPECT_EQ(error_of(R"({"eos_token_id": "<|im_end|>"})"), expected + "\"<|im_end|>\"");
  EXPECT_EQ(error_of(R"({"eos_token_id": -1})"), expected + "-1");
  EXPECT_EQ(error_of(R"({"eos_token_id": true})"), expected + "true");
  EXPECT_EQ(error_of(R"({"eos_token_id": []})"), expected + "[]");
  EXPECT_EQ(error_of(R"({"eos_token_id": [1, 1.5]})"), expected + "1.5");
  EXPECT_EQ(error_of(R"({"eos_token_id": 500})"), name + "expected ids of 0 to 499, got 500");
  EXPECT_EQ(error_of("", {.stop_ids = {-3}}), "stop_ids: expected ids of 0 to 499, got -3");
}

TEST(GenerationConfig, RefusesWhatChangesGreedyDecodingAndIsNotSupported) {
  EXPECT_EQ(
      error_of(R"({"no_repeat_ngram_size": 3, "suppress_tokens": [5]})"),
      "generation_config.json: no_repeat_ngram_size, suppress_tokens not supported (without it captions "
      "would differ from those the file asks for; to accept that, remove it from the file)");
  for (const char* setting :
       {R"("bad_words_ids": [[1]])", R"("begin_suppress_tokens": [1])", R"("forced_bos_token_id": 1)",
        R"("forced_eos_token_id": 1)", R"("forced_decoder_ids": [[1, 2]])", R"("force_words_ids": [[1]])",
        R"("constraints": [1])", R"("sequence_bias": [[[1], 2.0]])", R"("min_length": 5)",
        R"("exponential_decay_length_penalty": [5, 1.5])", R"("guidance_scale": 1.5)",
        R"("penalty_alpha": 0.6)", R"("dola_layers": "high")", R"("watermarking_config": {"bias": 2})",
        R"("token_healing": true)", R"("stop_strings": ["."])", R"("max_time": 1.0)"}) {
    EXPECT_THAT(error_of("{" + std::string(setting) + "}"), HasSubstr("not supported")) << setting;
  }
}

TEST(GenerationConfig, PassesSettingsThatDoNothing) {
  EXPECT_EQ(
      error_of(R"({"no_repeat_ngram_size": 0, "suppress_tokens": [], "bad_words_ids": null, "min_length": 0,
      "guidance_scale": 1.0, "token_healing": false, "penalty_alpha": 0.0, "use_cache": true, "max_length": 20,
      "num_return_sequences": 1, "sequence_bias": {}, "diversity_penalty": 0.0})"),
      "no error");
}

TEST(GenerationConfig, RefusesSettingsOfSamplingAndBeamsOnlyIfTheyMatter) {
  constexpr auto kSampling = R"({"min_p": 0.05, "typical_p": 0.9})";
  EXPECT_EQ(error_of(kSampling), "no error");
  EXPECT_THAT(error_of(kSampling, {.temperature = 0.5}), HasSubstr("min_p, typical_p not supported"));
  constexpr auto kBeams = R"({"early_stopping": true, "renormalize_logits": true})";
  EXPECT_EQ(error_of(kBeams), "no error");
  EXPECT_THAT(error_of(kBeams, {.beams = 2}), HasSubstr("early_stopping, renormalize_logits not supported"));
  EXPECT_EQ(error_of(R"({"num_beams": 2, "early_stopping": "never"})"), "no error");
  EXPECT_EQ(error_of(R"({"num_beams": 2, "early_stopping": false})"), "no error");
}

TEST(GenerationConfig, WhatIsAskedAndWhatTheFileSaysMustGoTogether) {
  EXPECT_EQ(error_of(R"({"num_beams": 3})", {.temperature = 0.5}),
            "beams: expected 1 if temperature is above 0, got 3 (beam search does not sample)");
  EXPECT_EQ(error_of(R"({"temperature": 0})"), "no error");
  EXPECT_EQ(
      error_of(R"({"temperature": 0})", {.do_sample = true}),
      "generation_config.json: temperature: expected above 0 with do_sample, got 0 (set a temperature)");
  EXPECT_EQ(error_of(R"({"max_new_tokens": 8})", {.min_new_tokens = 9}),
            "min_new_tokens: expected 0 to max_new_tokens (8), got 9");
  EXPECT_EQ(error_of(R"({"max_new_tokens": 8, "min_new_tokens": 6})", {.max_new_tokens = 4}), "no error")
      << "who asks for few tokens does not know the checkpoint's smallest number";
}

}  // namespace
}  // namespace ccexpert::generate
