// The model with another vision tower and connector than LLaVA-OneVision's.
#include <gtest/gtest.h>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/vision_tower.h>

#include "support/golden.h"

namespace ccexpert::model {
namespace {

/// Gives each image's mean as every feature.
class MeanTower : public VisionTower {
 public:
  explicit MeanTower(const VisionConfig& config) : config_(config) {}

  std::vector<at::Tensor> forward(const at::Tensor& pixels) const override {
    const auto mean = pixels.mean({1, 2, 3}).view({-1, 1, 1});
    return {mean.expand({-1, config_.patches(), width()})};
  }
  int64_t depth() const override { return 0; }
  int64_t width() const override { return config_.hidden_size; }
  void set_runner(BlockRunnerRef) override {}

 private:
  VisionConfig config_;
};

/// Keeps the first features.
class Narrowing : public Connector {
 public:
  explicit Narrowing(int64_t width) : width_(width) {}
  at::Tensor forward(const at::Tensor& features) const override { return features.narrow(-1, 0, width_); }

 private:
  int64_t width_;
};

ModelConfig base_config() {
  ModelConfig config;
  config.vision.image_size = 28;
  config.diff_expert.reset();
  config.decoder = {.vocab_size = 10,
                    .hidden_size = 8,
                    .intermediate_size = 8,
                    .num_hidden_layers = 1,
                    .num_attention_heads = 2,
                    .num_key_value_heads = 1};
  return config;
}

TEST(ModelParts, OfAnotherArchitectureAreUsedBehindTheInterfaces) {
  const auto config = base_config();
  const CcexpertModel model(config, {},
                            {.vision = std::make_shared<MeanTower>(config.vision),
                             .connector = std::make_shared<Narrowing>(config.decoder.hidden_size)});
  const auto pixels = at::cat({at::zeros({1, 3, 28, 28}), at::ones({1, 3, 28, 28})});
  const auto images = model.encode_images(pixels);
  EXPECT_TRUE(test::close(images.tokens, at::cat({at::zeros({1, 4, 8}), at::ones({1, 4, 8})})));
  for (const auto& item : model.named_parameters()) {
    EXPECT_EQ(item.key().find("vision"), std::string::npos) << item.key();
    EXPECT_EQ(item.key().find("projector"), std::string::npos) << item.key();
  }
}

TEST(ModelParts, OfLlavaHaveTheConfigsSizes) {
  const auto config = base_config();
  const auto parts = llava_parts(config, at::TensorOptions().device(at::kMeta));
  EXPECT_EQ(parts.vision->width(), 1152);
  EXPECT_EQ(parts.vision->depth(), config.vision_layers.back());
}

}  // namespace
}  // namespace ccexpert::model
