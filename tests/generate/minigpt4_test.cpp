// MiniGPT-4 from the files of its parts to a caption, also with weights of 8 bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/text/prompt.h>

#include "generate/shared/checkpoint_texts.h"
#include "generate/shared/quantize.h"
#include "generate/tiny_captioner.h"
#include "model/golden_minigpt4.h"
#include "model/shared/int8_model.h"
#include "model/shared/minigpt4_merge.h"
#include "model/tiny_checkpoint.h"
#include "model/weight_names.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

class MiniGpt4 : public ::testing::Test {
 protected:
  MiniGpt4() {
    model::merge_minigpt4({.vision = test::kMiniGpt4 / "eva_vit_g.pth",
                           .qformer = test::kMiniGpt4 / "blip2.pth",
                           .projection = test::kMiniGpt4 / "minigpt4.pth",
                           .decoder = test::kMiniGpt4 / "vicuna",
                           .out = merged(),
                           .blocks = test::kMiniGpt4Blocks});
  }
  std::filesystem::path merged() const { return folder_ / "merged"; }
  /// Returns the greedy tokens of a pair.
  static std::vector<int64_t> tokens(const std::filesystem::path& model,
                                     Precision dtype = Precision::kStandard) {
    const auto before = test::painted(1), after = test::painted(2);
    return Captioner::load(model, {.device = "cpu", .dtype = dtype})
        .caption(before.view(), after.view())
        .token_ids;
  }

  test::TemporaryFolder folder_;
};

TEST_F(MiniGpt4, CaptionsAPair) {
  // The layers are compared with transformers' in tests/model; these tokens were observed in float32.
  auto ids = tokens(merged());
  ASSERT_GE(ids.size(), 8u);
  ids.resize(8);
  EXPECT_THAT(ids, ::testing::ElementsAre(115, 380, 140, 301, 237, 140, 301, 237));
}

TEST_F(MiniGpt4, TheEndTokenIsNoTextOfTheCaption) {
  constexpr int64_t kEnd = 259;  // "##", an ordinary piece
  const auto usual = tokens(merged());
  const auto tokenizer = text::Tokenizer::load(merged());
  ASSERT_EQ(tokenizer->token_id("##"), kEnd);
  ASSERT_FALSE(tokenizer->is_special(kEnd));
  ASSERT_NE(usual[2], usual[0]);
  ASSERT_NE(usual[2], usual[1]);
  // The end comes in the place of the third token: its row of the head is that token's, but larger.
  auto checkpoint = model::open_model_checkpoint(merged());
  test::MemorySource source(*checkpoint.weights);
  auto head = source.tensor("lm_head.weight").clone();
  head[kEnd].copy_(head[usual[2]] * 1.05);
  source.set("lm_head.weight", head);
  std::vector<io::NamedTensor> tensors;
  for (const auto& info : source.tensors()) tensors.push_back({info.name, source.tensor(info.name)});
  io::write_checkpoint({.folder = folder_ / "ending",
                        .config_json = checkpoint.config_json,
                        .tensors = tensors,
                        .companions = io::read_companions(merged())});
  const auto captioner = Captioner::load(folder_ / "ending", {.device = "cpu"});
  const auto before = test::painted(1), after = test::painted(2);
  std::string streamed;
  const auto caption = captioner.caption(before.view(), after.view(), {.on_token = [&](const auto& event) {
                                           streamed += event.text;
                                           return true;
                                         }});
  EXPECT_EQ(caption.token_ids, (std::vector<int64_t>{usual[0], usual[1], kEnd}));
  EXPECT_EQ(caption.finish, FinishReason::kEndToken);
  EXPECT_FALSE(caption.text.empty());
  EXPECT_EQ(caption.text.find('#'), std::string::npos) << caption.text;
  EXPECT_EQ(streamed, tokenizer->decode(std::vector<int64_t>{usual[0], usual[1]}));
  EXPECT_THAT(streamed, ::testing::HasSubstr(caption.text));
}

TEST_F(MiniGpt4, IdsOfPromptAndAnswerEqualThoseOfSentencepiece) {
  const auto expected = parse_json(read_file(test::kMiniGpt4 / "expected.json"), "expected.json");
  const auto checkpoint = model::open_model_checkpoint(merged());
  const auto settings = read_model_settings(texts_of(checkpoint), test::config_of(checkpoint));
  const auto question = "<image> <image> " + expected["question"].get<std::string>();
  const auto caption = expected["caption"].get<std::string>();
  const auto prompt = expected["prompt"].get<std::vector<int64_t>>(),
             answer = expected["answer"].get<std::vector<int64_t>>();
  EXPECT_EQ(text::encode_prompt(*settings.tokenizer, question, settings.prompt), prompt);
  const auto example = text::encode_training_example(*settings.tokenizer, {question, caption},
                                                     text::LabelStyle::kReference, settings.prompt);
  auto ids = prompt;
  ids.insert(ids.end(), answer.begin(), answer.end());
  EXPECT_EQ(example.ids, ids);
  std::fill_n(ids.begin(), prompt.size(), text::kIgnoredLabel);
  EXPECT_EQ(example.labels, ids);
}

TEST_F(MiniGpt4, WithoutAProcessorNormalisesAsClipAndPadsNothing) {
  std::filesystem::remove(merged() / "preprocessor_config.json");
  const auto checkpoint = model::open_model_checkpoint(merged());
  const auto preprocess = read_model_settings(texts_of(checkpoint), test::config_of(checkpoint)).preprocess;
  EXPECT_THAT(preprocess.mean, ::testing::ElementsAre(0.48145466, 0.4578275, 0.40821073));
  EXPECT_THAT(preprocess.deviation, ::testing::ElementsAre(0.26862954, 0.26130258, 0.27577711));
  EXPECT_EQ(preprocess.aspect, image::AspectMode::kSquare);
}

TEST_F(MiniGpt4, HasAllItsMatricesInEightBits) {
  const at::NoGradGuard no_grad;
  const auto checkpoint = model::open_model_checkpoint(merged());
  const auto config = test::config_of(checkpoint);
  const auto whole = model::build_model(config, *checkpoint.weights, {});
  const auto int8 = model::build_int8_model(config, *checkpoint.weights);
  int64_t tower = 0, connector = 0, decoder = 0;
  model::for_each_int8_product(*int8, [&](const std::string& matrix, const model::Linear& linear) {
    EXPECT_NE(linear.product(), nullptr) << matrix;
    tower += matrix.starts_with(model::weight_names::kSiglip);
    connector += matrix.starts_with(model::weight_names::kProjector);
    decoder += matrix.starts_with(model::weight_names::kDecoderBlocks);
  });
  EXPECT_EQ(tower, 2 * 6);
  EXPECT_EQ(connector, 10 + 6 + 1);  // a layer that reads the image, one that does not, the projection
  EXPECT_EQ(decoder, 2 * 7);
  const auto pixels = io::open_safetensors(test::kMiniGpt4 / "expected.safetensors")->tensor("pixels");
  const auto expected = whole->encode_images(pixels).tokens;
  const auto error =
      int8->encode_images(pixels.to(model::int8_model_dtype())).tokens.to(at::kFloat) - expected;
  EXPECT_GT(error.norm().item<double>(), 0.0);
  EXPECT_LT((error.norm() / expected.norm()).item<double>(), 0.15);
}

TEST_F(MiniGpt4, AWrittenInt8ModelHasTheCaptionsOfInt8) {
  quantize_checkpoint({.from = merged(), .to = folder_ / "int8"});
  const auto ids = tokens(folder_ / "int8");
  EXPECT_FALSE(ids.empty());
  EXPECT_EQ(ids, tokens(merged(), Precision::kInt8));
}

TEST_F(MiniGpt4, WithADiffExpertKeepsAllItsTokens) {
  auto config = test::config_of(model::open_model_checkpoint(merged()));
  config.vision.hidden_size = 128;
  config.vision_layers = {1, 2};
  config.diff_expert = {.per_expert_depth = 1, .embedding_dim = 128, .mlp_dim = 64};
  model::CcexpertModel model(config);
  model::initialize_weights(model, {.deviation = 0.1});
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value().detach()});
  io::write_checkpoint({.folder = folder_ / "expert",
                        .config_json = model::model_config_json(config),
                        .tensors = tensors,
                        .companions = io::read_companions(merged())});
  const auto captioner = Captioner::load(folder_ / "expert", {.device = "cpu"});
  const auto before = test::painted(1), after = test::painted(2);
  EXPECT_EQ(test::error_of([&] { captioner.caption(before.view(), after.view(), {.keep_tokens = 0.5}); }),
            "keep_tokens: expected 1 for a model with a Q-Former, whose tokens belong to no patch, got 0.5");
  EXPECT_FALSE(captioner.caption(before.view(), after.view()).token_ids.empty());
}

}  // namespace
}  // namespace ccexpert::generate
