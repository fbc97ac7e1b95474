#include "model/siglip.h"

#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;

const auto kFolder = test::data_folder() / "siglip";

VisionConfig golden_config(int64_t image_size) {
  VisionConfig config;
  const auto path = kFolder / "config.json";
  read_fields(parse_json(read_file(path), path.string())["vision_config"], config, path.string());
  config.image_size = image_size;
  return config;
}

/// Removes the prefix of the full upstream names in golden weights; a single tower has none.
class WithoutPrefix : public io::TensorSource {
 public:
  WithoutPrefix(const std::filesystem::path& file, std::string prefix)
      : inner_(io::open_safetensors(file)), prefix_(std::move(prefix)) {
    for (auto info : inner_->tensors()) {
      if (!info.name.starts_with(prefix_)) continue;
      info.name.erase(0, prefix_.size());
      infos_.push_back(std::move(info));
    }
  }
  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override { return inner_->tensor(prefix_ + name); }
  void release(const std::string& name) const override { inner_->release(prefix_ + name); }

 private:
  std::unique_ptr<io::TensorSource> inner_;
  std::string prefix_;
  std::vector<io::TensorInfo> infos_;
};

class SiglipGolden : public ::testing::TestWithParam<int64_t> {};

TEST_P(SiglipGolden, EveryHiddenStateEqualsTheReference) {
  SiglipVision vision(golden_config(GetParam()), {0, 1, 2, 3, 4}, {});
  const WithoutPrefix weights(kFolder / "weights.safetensors",
                              "model.vision_tower.vision_tower.vision_model.");
  load_weights(vision, weights,
               {.may_be_unused = [](std::string_view name) { return name.starts_with("post_"); }});
  const auto golden = io::open_safetensors(kFolder / ("image" + std::to_string(GetParam()) + ".safetensors"));
  const auto states = vision.forward(golden->tensor("pixel_values"));
  ASSERT_EQ(states.size(), 5u);
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(close(states[i], golden->tensor("hidden." + std::to_string(i)))) << "hidden state " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(ImageSizes, SiglipGolden, ::testing::Values(56, 60));

TEST(Siglip, BlocksBehindTheLastNeededOneDoNotExist) {
  const SiglipVision vision(golden_config(56), {1, 2}, {});
  EXPECT_EQ(vision.depth(), 2);
  for (const auto& item : vision.named_parameters()) {
    EXPECT_EQ(item.key().find("layers.2."), std::string::npos) << item.key();
  }
}

TEST(Siglip, RefusesAnImageOfAnotherGrid) {
  SiglipVision vision(golden_config(56), {1}, {});
  EXPECT_EQ(test::error_of([&] {
              vision.forward(at::zeros({1, 3, 84, 84}));
            }),
            "pixels: expected a grid of 4 x 4 patches, got 6 x 6");
}

}  // namespace
}  // namespace ccexpert::model
