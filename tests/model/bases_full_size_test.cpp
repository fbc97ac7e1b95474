// Layers of LLaVA-1.5 and MiniGPT-4 at full size against transformers. The values take 2 GB, so they are not
// in the tree:
//   scripts/make_full_size_goldens.py DIR
//   CCEXPERT_FULL_SIZE_BASES=DIR build/release/tests/model_tests --gtest_filter='BasesAtFullSize*'
#include <cstdlib>

#include <gtest/gtest.h>

#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "io/shared/open_weights.h"
#include "model/clip.h"
#include "model/eva.h"
#include "model/minigpt4_weights.h"
#include "model/qformer.h"
#include "model/tiny_checkpoint.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

class BasesAtFullSize : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("CCEXPERT_FULL_SIZE_BASES");
    if (folder == nullptr) GTEST_SKIP() << "CCEXPERT_FULL_SIZE_BASES names no folder";
    folder_ = folder;
  }

  void open_golden(const char* part) {
    folder_ /= part;
    golden_ = io::open_safetensors(folder_ / "expected.safetensors");
  }

  /// Compares with the reference, and reports the largest difference.
  void compare(const std::string& what, const at::Tensor& actual) const {
    const auto expected = golden_->tensor(what);
    EXPECT_TRUE(test::close(actual, expected)) << what;
    std::printf("%s: largest difference %.2g of values up to %.3g\n", what.c_str(),
                (actual - expected).abs().max().item<double>(), expected.abs().max().item<double>());
  }

  std::filesystem::path folder_;
  std::unique_ptr<io::TensorSource> golden_;
  at::NoGradGuard no_grad_;
};

/// Loads a module by the tensors whose names have `prefix`, except those in no computation.
void load_part(torch::nn::Module& module, const io::TensorSource& all, std::string_view prefix) {
  RenamedTensors part;
  for (const auto& info : all.tensors()) {
    if (info.name.starts_with(prefix))
      part.set(info.name.substr(prefix.size()), all.tensor(info.name), info.file);
  }
  load_weights(module, part, {.may_be_unused = [](std::string_view name) {
                 return name.starts_with("post_layernorm.") || name.starts_with("encoder.layers.1.");
               }});
}

TEST_F(BasesAtFullSize, ClipAndLlamaEqualTransformers) {
  open_golden("llava15");
  const auto checkpoint = open_model_checkpoint(folder_);
  const auto config = test::config_of(checkpoint);
  ASSERT_EQ(config.vision.patches(), 576);
  ASSERT_EQ(config.decoder.hidden_size, 4096);
  ClipVision tower(config.vision, {0, 1}, {});
  load_part(tower, *checkpoint.weights, weight_names::kSiglip);
  const auto states = tower.hidden_states(golden_->tensor("pixels"));
  for (size_t i = 0; i < states.size(); ++i) compare("hidden." + std::to_string(i), states[i]);
  const auto model = test::build(checkpoint);
  const auto images = model->encode_images(golden_->tensor("pixels"));
  compare("image_tokens", images.tokens);
  const auto& decoder = model->decoder();
  compare("text.logits",
          decoder.logits(decoder.forward(decoder.embed(golden_->tensor("text.ids").unsqueeze(0))))[0]);
  const auto prompt = model->splice({{1, 5, -200, 7, -200, 8, 9}}, images.tokens);
  compare("logits", decoder.logits(decoder.forward(prompt.embeddings))[0].slice(0, -3));
}

TEST_F(BasesAtFullSize, EvaAndQFormerEqualTransformers) {
  open_golden("minigpt4");
  RenamedTensors weights;
  add_eva(*io::open_weights(folder_ / "eva.safetensors"), 1, weights);
  add_connector(*io::open_weights(folder_ / "qformer.safetensors"), weights);
  EvaVision tower({.hidden_size = 1408,
                   .intermediate_size = 6144,
                   .num_hidden_layers = 2,
                   .num_attention_heads = 16,
                   .image_size = 224,
                   .patch_size = 14,
                   .hidden_act = Activation::kGelu,
                   .tower = TowerKind::kEva},
                  {0, 1}, {});
  load_part(tower, weights, weight_names::kSiglip);
  const auto states = tower.forward(golden_->tensor("pixels"));
  for (size_t i = 0; i < states.size(); ++i) compare("hidden." + std::to_string(i), states[i]);
  QFormerConfig sizes;
  sizes.num_hidden_layers = 2;
  QFormerConnector connector(sizes, {.image = 1408, .decoder = 4096}, {});
  load_part(connector, weights, weight_names::kProjector);
  compare("normed", connector.normed(golden_->tensor("hidden.1")));
  compare("queries", connector.queries(golden_->tensor("normed")));
  compare("tokens", connector.forward(golden_->tensor("hidden.1")));
}

}  // namespace
}  // namespace ccexpert::model
