// LLaVA-1.5 from a folder to a caption: prompt and training ids, preprocessing and greedy tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/text/prompt.h>

#include "generate/shared/checkpoint_texts.h"
#include "generate/shared/decode.h"
#include "generate/shared/quantize.h"
#include "generate/tiny_captioner.h"
#include "model/shared/int8_model.h"
#include "model/weight_names.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using Ids = std::vector<int64_t>;

const auto kFolder = test::data_folder() / "llava15";

const nlohmann::json& expected() {
  static const auto values = parse_json(read_file(kFolder / "expected.json"), "expected.json");
  return values;
}

class Llava15 : public ::testing::Test {
 protected:
  io::Checkpoint checkpoint_ = model::open_model_checkpoint(kFolder);
  model::ModelConfig config_ = model::parse_model_config(checkpoint_.config_json, "config.json");
  ModelSettings settings_ = read_model_settings(texts_of(checkpoint_), config_);
};

TEST_F(Llava15, AsksInTheFormatOfVicuna) {
  EXPECT_EQ("<s>" + expected()["prompt"].get<std::string>(),
            text::chat_prompt(settings_.question, settings_.prompt));
  EXPECT_EQ(settings_.question, expected()["question"].get<std::string>());
  EXPECT_EQ(settings_.end_of_turn(), 2);
  EXPECT_EQ(test::error_of([&] { text::complete_question("Is </s> here?", settings_.prompt); }),
            "question: expected plain text, got the chat markup </s>");
}

TEST_F(Llava15, PromptIdsEqualThoseOfLlava) {
  EXPECT_EQ(text::encode_prompt(*settings_.tokenizer, settings_.question, settings_.prompt),
            expected()["ids"].get<Ids>());
}

TEST_F(Llava15, BothFormsOfTheTokenizerGiveTheSamePrompt) {
  const auto model = text::Tokenizer::load(test::data_folder() / "llama_tokenizer");
  EXPECT_EQ(text::encode_prompt(*model, settings_.question, settings_.prompt), expected()["ids"].get<Ids>());
}

TEST_F(Llava15, LearnsTheCaptionAndItsEnd) {
  const auto caption = expected()["caption"].get<std::string>();
  const auto example = text::encode_training_example(*settings_.tokenizer, {settings_.question, caption},
                                                     text::LabelStyle::kCaptionOnly, settings_.prompt);
  const auto ids = expected()["training_ids"].get<Ids>();
  EXPECT_EQ(example.ids, ids);
  const auto targets = expected()["targets"].get<size_t>();
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(example.labels[i], i + targets < ids.size() ? text::kIgnoredLabel : ids[i]) << i;
}

TEST_F(Llava15, PadsImagesWithTheMeanColourOfClip) {
  EXPECT_EQ(settings_.preprocess.aspect, image::AspectMode::kPad);
  EXPECT_EQ(settings_.preprocess.size, 28);
  EXPECT_THAT(settings_.preprocess.mean, ElementsAre(0.48145466, 0.4578275, 0.40821073));
  EXPECT_THAT(settings_.preprocess.deviation, ElementsAre(0.26862954, 0.26130258, 0.27577711));
}

TEST_F(Llava15, AcceptsTheProcessorOfClip) {
  const auto parsed = [&](const char* processor, const char* config) {
    return parse_preprocess_config(processor, config, config_.vision);
  };
  constexpr const char* kClip =
      R"({"do_center_crop": true, "crop_size": {"height": 28, "width": 28}, "size": {"shortest_edge": 28},
          "image_mean": [0.48145466, 0.4578275, 0.40821073], "resample": 3})";
  EXPECT_EQ(parsed(kClip, "{}").aspect, image::AspectMode::kPad);
  EXPECT_EQ(test::error_of([&] { parsed(kClip, R"({"image_aspect_ratio": "square"})"); }),
            "preprocessor_config.json: do_center_crop: expected false, got true");
  EXPECT_EQ(test::error_of([&] { parsed(R"({"do_center_crop": true, "crop_size": 24})", "{}"); }),
            "preprocessor_config.json: crop_size: expected the vision tower's 28, got 24");
}

TEST_F(Llava15, RefusesTheCropsOfLlava16) {
  for (const std::string mode : {"anyres", "anyres_max_9"}) {
    EXPECT_EQ(test::error_of([&] {
                parse_preprocess_config("", R"({"image_aspect_ratio": ")" + mode + "\"}", config_.vision);
              }),
              "config.json: image_aspect_ratio: expected square or pad, got " + mode);
  }
}

TEST_F(Llava15, GreedyTokensEqualTransformers) {
  const at::NoGradGuard no_grad;
  const auto model = model::build_model(config_, *checkpoint_.weights, {});
  const auto golden = io::open_safetensors(kFolder / "expected.safetensors");
  const auto images = model->encode_images(golden->tensor("pixels"));
  const auto prompt = model->splice(
      {text::encode_prompt(*settings_.tokenizer, settings_.question, settings_.prompt)}, images.tokens);
  auto decoding = settings_.decoding({});
  decoding.max_new_tokens = std::ssize(expected()["generated"]);
  const auto sequences = decode(model->decoder(), prompt, {.decoding = decoding, .on_token = {}, .stop = {}});
  EXPECT_EQ(sequences.front().ids, expected()["generated"].get<Ids>());
}

TEST_F(Llava15, CaptionsAPair) {
  const auto captioner = Captioner::load(kFolder, {.device = "cpu"});
  EXPECT_FALSE(captioner.has_diff_expert());
  const auto before = test::painted(1), after = test::painted(2);
  const auto caption = captioner.caption(before.view(), after.view());
  EXPECT_FALSE(caption.token_ids.empty());
  EXPECT_EQ(captioner.caption(before.view(), after.view()).token_ids, caption.token_ids);
}

TEST_F(Llava15, HasAllItsMatricesInEightBits) {
  const at::NoGradGuard no_grad;
  const auto whole = model::build_model(config_, *checkpoint_.weights, {});
  const auto int8 = model::build_int8_model(config_, *checkpoint_.weights);
  int64_t tower = 0, projector = 0, decoder = 0;
  model::for_each_int8_product(*int8, [&](const std::string& matrix, const model::Linear& linear) {
    EXPECT_NE(linear.product(), nullptr) << matrix;
    tower += matrix.starts_with(model::weight_names::kSiglip);
    projector += matrix.starts_with(model::weight_names::kProjector);
    decoder += matrix.starts_with(model::weight_names::kDecoderBlocks);
  });
  EXPECT_EQ(tower, 3 * 6);
  EXPECT_EQ(projector, 2);
  EXPECT_EQ(decoder, 2 * 7);
  const auto golden = io::open_safetensors(kFolder / "expected.safetensors");
  const auto pixels = golden->tensor("pixels"), expected = whole->encode_images(pixels).tokens;
  const auto error =
      int8->encode_images(pixels.to(model::int8_model_dtype())).tokens.to(at::kFloat) - expected;
  EXPECT_GT(error.norm().item<double>(), 0.0);
  EXPECT_LT((error.norm() / expected.norm()).item<double>(), 0.15);
}

TEST_F(Llava15, AWrittenInt8ModelHasTheCaptionsOfInt8) {
  const test::TemporaryFolder folder;
  quantize_checkpoint({.from = kFolder, .to = folder / "int8"});
  const auto written = Captioner::load(folder / "int8", {.device = "cpu"});
  const auto rounded = Captioner::load(kFolder, {.device = "cpu", .dtype = Precision::kInt8});
  const auto before = test::painted(1), after = test::painted(2);
  const auto caption = written.caption(before.view(), after.view());
  EXPECT_FALSE(caption.token_ids.empty());
  EXPECT_EQ(caption.token_ids, rounded.caption(before.view(), after.view()).token_ids);
}

}  // namespace
}  // namespace ccexpert::generate
