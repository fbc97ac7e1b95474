// Tests of the whole model against the reference implementation, from pixels to loss.
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/json.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;

constexpr int64_t kIgnoredLabel = -100;

std::vector<int64_t> ids_in(const nlohmann::json& list) {
  return list.get<std::vector<int64_t>>();
}

/// Converts labels of text ids to labels of the spliced sequence: an image's positions are not targets.
std::vector<int64_t> labels_with_images(const nlohmann::json& pair, int64_t tokens_per_image) {
  const auto ids = ids_in(pair["full_ids"]), labels = ids_in(pair["labels"]);
  std::vector<int64_t> spliced;
  for (size_t i = 0; i < ids.size(); ++i) {
    spliced.insert(spliced.end(), ids[i] < 0 ? static_cast<size_t>(tokens_per_image) : 1u,
                   ids[i] < 0 ? kIgnoredLabel : labels[i]);
  }
  return spliced;
}

/// Returns the mean cross-entropy of the next token over all targets of a batch, logits [B,T,V].
at::Tensor loss_of(const at::Tensor& logits, const std::vector<std::vector<int64_t>>& labels) {
  auto targets = at::full({logits.size(0), logits.size(1)}, kIgnoredLabel, at::kLong);
  for (size_t row = 0; row < labels.size(); ++row) {
    const auto length = static_cast<int64_t>(labels[row].size());
    targets[static_cast<int64_t>(row)].narrow(0, 0, length).copy_(at::tensor(labels[row], at::kLong));
  }
  return at::cross_entropy_loss(logits.slice(1, 0, -1).flatten(0, 1), targets.slice(1, 1).flatten(), {},
                                at::Reduction::Mean, kIgnoredLabel);
}

class CheckpointTiny : public ::testing::Test {
 protected:
  CheckpointTiny()
      : model_(test::build(test::open_tiny())),
        golden_(io::open_safetensors(test::data_folder() / "checkpoint-tiny" / "expected.safetensors")),
        expected_(
            parse_json(read_file(test::data_folder() / "checkpoint-tiny" / "expected.json"), "expected")) {}

  size_t pairs() const { return expected_["pairs"].size(); }
  const nlohmann::json& pair(size_t i) const { return expected_["pairs"][i]; }
  at::Tensor array(size_t i, const char* name) const {
    return golden_->tensor(std::to_string(i) + "." + name);
  }
  at::Tensor all_pixels() const {
    std::vector<at::Tensor> pixels;
    for (size_t i = 0; i < pairs(); ++i) pixels.push_back(array(i, "pixel_values"));
    return at::cat(pixels);
  }
  at::Tensor logits(const PaddedSequences& sequences) const {
    return model_->decoder().logits(model_->decoder().forward(sequences.embeddings));
  }

  at::NoGradGuard no_grad_;
  std::shared_ptr<CcexpertModel> model_;
  std::unique_ptr<io::TensorSource> golden_;
  nlohmann::json expected_;
};

TEST_F(CheckpointTiny, ImageSideEqualsTheReference) {
  ASSERT_EQ(pairs(), 3u);
  for (size_t i = 0; i < pairs(); ++i) {
    SCOPED_TRACE(i);
    const auto features = model_->vision_features(array(i, "pixel_values"));
    ASSERT_EQ(features.size(), 4u);
    const auto fused = model_->fuse(features);
    EXPECT_TRUE(close(fused.tokens.slice(0, 0, 1), array(i, "A")));
    EXPECT_TRUE(close(fused.tokens.slice(0, 1, 2), array(i, "B")));
    EXPECT_TRUE(close(fused.change, array(i, "Q")));
    EXPECT_TRUE(close(fused.scale_weights, array(i, "gate")));
    const auto images = model_->encode_images(array(i, "pixel_values"));
    EXPECT_TRUE(close(images.tokens, array(i, "image_tokens")));
    EXPECT_TRUE(close(images.change, array(i, "Q")));
  }
}

TEST_F(CheckpointTiny, PairsInOneBatchDoNotInteract) {
  const auto images = model_->encode_images(all_pixels());
  for (size_t i = 0; i < pairs(); ++i) {
    SCOPED_TRACE(i);
    const auto row = static_cast<int64_t>(i);
    EXPECT_TRUE(close(images.tokens.slice(0, 2 * row, 2 * row + 2), array(i, "image_tokens")));
    EXPECT_TRUE(close(images.change[row], array(i, "Q")[0]));
    EXPECT_TRUE(close(images.scale_weights.select(1, row), array(i, "gate").select(1, 0)));
  }
}

TEST_F(CheckpointTiny, FirstLogitsEqualTheReference) {
  for (size_t i = 0; i < pairs(); ++i) {
    const auto images = model_->encode_images(array(i, "pixel_values"));
    const auto prompt = model_->splice({ids_in(pair(i)["ids"])}, images.tokens);
    const auto length = static_cast<int64_t>(pair(i)["ids"].size()) - 2 + 2 * 36;
    ASSERT_EQ(prompt.lengths, std::vector<int64_t>{length});
    EXPECT_TRUE(close(logits(prompt)[0][length - 1], array(i, "first_logits"))) << "pair " << i;
  }
}

TEST_F(CheckpointTiny, TeacherForcedLogitsAndLossEqualTheReference) {
  for (size_t i = 0; i < pairs(); ++i) {
    SCOPED_TRACE(i);
    const auto images = model_->encode_images(array(i, "pixel_values"));
    const auto all = logits(model_->splice({ids_in(pair(i)["full_ids"])}, images.tokens));
    EXPECT_TRUE(close(all[0], array(i, "teacher_logits")));
    EXPECT_TRUE(close(loss_of(all, {labels_with_images(pair(i), 36)}),
                      at::scalar_tensor(pair(i)["loss"].get<double>())));
  }
}

TEST_F(CheckpointTiny, PaddedBatchLossEqualsTheReference) {
  const auto images = model_->encode_images(all_pixels());
  std::vector<std::vector<int64_t>> ids, labels;
  for (size_t i = 0; i < pairs(); ++i) {
    ids.push_back(ids_in(pair(i)["full_ids"]));
    labels.push_back(labels_with_images(pair(i), 36));
  }
  const auto sequences = model_->splice(ids, images.tokens);
  EXPECT_EQ(sequences.lengths, (std::vector<int64_t>{179, 183, 177}));
  EXPECT_EQ(sequences.embeddings.sizes(), (std::vector<int64_t>{3, 183, 64}));
  const auto all = logits(sequences);
  for (size_t i = 0; i < pairs(); ++i) {
    const auto row = all[static_cast<int64_t>(i)].narrow(0, 0, sequences.lengths[i]);
    EXPECT_TRUE(close(row, array(i, "teacher_logits"))) << "pair " << i;
  }
  EXPECT_TRUE(close(loss_of(all, labels), at::scalar_tensor(expected_["batch_loss"].get<double>())));
}

TEST_F(CheckpointTiny, NegativeLayersMeanTheSameWhereTheLastBlockIsMissing) {
  const auto checkpoint = test::open_tiny();
  const test::MemorySource without_last(*checkpoint.weights, [](const std::string& name) {
    return name.find("vision_model.encoder.layers.5.") == std::string::npos;
  });
  ASSERT_LT(without_last.tensors().size(), checkpoint.weights->tensors().size());
  const auto model = build_model(test::config_of(checkpoint), without_last, {});
  EXPECT_TRUE(close(model->encode_images(array(0, "pixel_values")).tokens, array(0, "image_tokens")));
}

TEST_F(CheckpointTiny, SpliceNeedsTwoPlaceholdersInEveryRow) {
  const auto tokens = at::zeros({4, 36, 64});
  EXPECT_EQ(test::error_of([&] {
              model_->splice({{1, -200, 2, -200}, {1, -200}}, tokens);
            }),
            "prompt 1: expected two image placeholders, got 1");
  EXPECT_EQ(test::error_of([&] {
              model_->splice({{-200, -200, -200}}, tokens);
            }),
            "prompt 0: expected two image placeholders, got 3");
}

TEST_F(CheckpointTiny, SpliceNeedsTwoImagesForEveryRow) {
  EXPECT_EQ(test::error_of([&] {
              model_->splice({{1, -200, -200}, {1, -200, -200}}, at::zeros({3, 36, 64}));
            }),
            "image tokens: expected those of 4 images, got 3");
}

TEST_F(CheckpointTiny, SplicePutsAnyNumberOfImagesInTheirPlaces) {
  constexpr int64_t kTokens = 4, kImage = -200;
  const auto images = at::randn({6, kTokens, 64});
  const auto text = model_->decoder().embed(at::tensor({1, 2, 3}, at::kLong));
  const auto word = [&](int64_t i) { return text.slice(0, i, i + 1); };
  const auto expect = [](const PaddedSequences& got, int64_t row, const at::Tensor& expected) {
    EXPECT_EQ(got.lengths[static_cast<size_t>(row)], expected.size(0));
    EXPECT_TRUE(at::equal(got.embeddings[row].slice(0, 0, expected.size(0)), expected)) << row;
  };
  const auto none = model_->splice({{1, 2, 3}}, images.slice(0, 0, 0), 0);
  expect(none, 0, text);
  const auto one = model_->splice({{1, kImage}, {kImage, 2, 3}}, images, 1);
  expect(one, 0, at::cat({word(0), images[0]}));
  expect(one, 1, at::cat({images[1], word(1), word(2)}));
  const auto three = model_->splice({{kImage, 1, kImage, 2, kImage}, {3, kImage, kImage, kImage}}, images, 3);
  expect(three, 0, at::cat({images[0], word(0), images[1], word(1), images[2]}));
  expect(three, 1, at::cat({word(2), images[3], images[4], images[5]}));
}

TEST_F(CheckpointTiny, SpliceNamesTheImagesThatItExpectsAndGot) {
  const auto error = [&](const std::vector<std::vector<int64_t>>& ids, int64_t images, int64_t per_row) {
    return test::error_of([&] { model_->splice(ids, at::zeros({images, 4, 64}), per_row); });
  };
  EXPECT_EQ(error({{-200, 1}, {1}}, 2, 1), "prompt 1: expected 1 image placeholder, got 0");
  EXPECT_EQ(error({{-200, -200}}, 3, 3), "prompt 0: expected 3 image placeholders, got 2");
  EXPECT_EQ(error({{-200}}, 3, 0), "prompt 0: expected no image placeholder, got 1");
  EXPECT_EQ(error({{-200, -200, -200}}, 2, 3), "image tokens: expected those of 3 images, got 2");
}

TEST_F(CheckpointTiny, SpliceNeedsARow) {
  EXPECT_EQ(test::error_of([&] {
              model_->splice({}, at::zeros({2, 36, 64}));
            }),
            "prompts: expected at least one, got none");
}

TEST(CheckpointTinyHf, ImageTokensAndLogitsEqualTransformers) {
  const at::NoGradGuard no_grad;
  const auto checkpoint = test::open_tiny("checkpoint-tiny-hf");
  EXPECT_EQ(checkpoint.layout, &llava_hf_layout());
  const auto model = test::build(checkpoint);
  EXPECT_FALSE(model->diff_expert());
  const auto folder = test::data_folder() / "checkpoint-tiny-hf";
  const auto golden = io::open_safetensors(folder / "expected.safetensors");
  const auto images = model->encode_images(golden->tensor("pixel_values"));
  EXPECT_FALSE(images.change.defined());
  EXPECT_FALSE(images.scale_weights.defined());
  EXPECT_TRUE(close(images.tokens, golden->tensor("image_tokens"))) << "with image_newline after each image";

  const auto expected = parse_json(read_file(folder / "expected.json"), "expected.json");
  std::vector<int64_t> ids;
  size_t run = 0;
  for (const int64_t id : ids_in(expected["ids"])) {
    const bool image = id == expected["image_token_id"];
    // The positions of one image become one placeholder.
    if (!image) ids.push_back(id);
    if (image && run++ % expected["tokens_per_image"].get<size_t>() == 0) ids.push_back(-200);
  }
  const auto sequence = model->splice({ids}, images.tokens);
  ASSERT_EQ(sequence.lengths.front(), 86);
  const auto hidden = model->decoder().forward(sequence.embeddings);
  EXPECT_TRUE(close(model->decoder().logits(hidden)[0], golden->tensor("logits")));
}

}  // namespace
}  // namespace ccexpert::model
