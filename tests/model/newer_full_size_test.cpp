// One layer of each newer part at full size against transformers. The values take 2 GB, so they are not in
// the tree:
//   scripts/make_newer_goldens.py --full-size DIR
//   CCEXPERT_FULL_SIZE_GOLDENS=DIR build/release/tests/model_tests --gtest_filter='FullSize*'
#include <cstdlib>

#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "model/composed_parts.h"

namespace ccexpert::model {
namespace {

class FullSize : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("CCEXPERT_FULL_SIZE_GOLDENS");
    if (folder == nullptr) GTEST_SKIP() << "CCEXPERT_FULL_SIZE_GOLDENS names no folder";
    folder_ = folder;
  }

  /// Compares with the reference, and reports the largest difference.
  static void compare(const std::string& what, const at::Tensor& actual, const at::Tensor& expected) {
    EXPECT_TRUE(test::close(actual, expected)) << what;
    std::printf("%s: largest difference %.2g of values up to %.3g\n", what.c_str(),
                (actual - expected).abs().max().item<double>(), expected.abs().max().item<double>());
  }

  void compare_decoder(const char* name) const {
    const auto golden = io::open_safetensors(folder_ / name / "expected.safetensors");
    const auto decoder = test::decoder_of(test::ComposedParts(folder_ / "siglip2", folder_ / name).compose());
    const auto all = decoder->embed(golden->tensor("ids").unsqueeze(0));
    compare(std::string(name) + " logits", decoder->logits(decoder->forward(all))[0],
            golden->tensor("logits"));
    KvCache cache(1, all.size(1));
    std::vector<at::Tensor> steps;
    for (int64_t t = 0; t < all.size(1); ++t)
      steps.push_back(decoder->logits(decoder->forward(all.narrow(1, t, 1), &cache))[0][0]);
    compare(std::string(name) + " logits by steps", at::stack(steps), golden->tensor("step_logits"));
  }

  void compare_tower(const char* name, const std::string& prefix, int64_t side) const {
    test::ComposedParts parts(folder_ / name, folder_ / "qwen3");
    const auto golden = io::open_safetensors(folder_ / name / "expected.safetensors");
    const auto states =
        test::tower_states(parts.compose({.image_size = side}), golden->tensor(prefix + "pixels"), 2);
    for (size_t i = 0; i < states.size(); ++i) {
      const auto state = "hidden." + std::to_string(i);
      compare(std::string(name).append(" ").append(state), states[i], golden->tensor(prefix + state));
    }
  }

  std::filesystem::path folder_;
  at::NoGradGuard no_grad_;
};

TEST_F(FullSize, Qwen25LayerEqualsTheReference) {
  compare_decoder("qwen2.5");
}

TEST_F(FullSize, Qwen3LayerEqualsTheReference) {
  compare_decoder("qwen3");
}

TEST_F(FullSize, Siglip2LayersEqualTheReference) {
  compare_tower("siglip2", "", 0);
}

TEST_F(FullSize, NaflexLayersEqualTheReference) {
  compare_tower("siglip2-naflex", "grid24.", 384);
}

}  // namespace
}  // namespace ccexpert::model
