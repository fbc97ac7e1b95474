#include <gtest/gtest.h>

#include <ccexpert/model/weight_layouts.h>

#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::model {
namespace {

using test::TemporaryFolder;

io::CheckpointToWrite to_write(const TemporaryFolder& folder, std::vector<io::NamedTensor> tensors) {
  return {.folder = folder / "hf",
          .config_json = "{}",
          .tensors = std::move(tensors),
          .companions = {},
          .layout = &llava_hf_layout()};
}

std::string stored_name(std::string_view name) {
  return io::file_name(llava_hf_layout(), name);
}

TEST(LlavaHfLayout, GivesItsTensorsTheModelsNames) {
  const auto checkpoint = open_model_checkpoint(test::data_folder() / "checkpoint-tiny-hf");
  EXPECT_EQ(checkpoint.layout, &llava_hf_layout());
  EXPECT_NE(checkpoint.weights->find("model.embed_tokens.weight"), nullptr);
}

TEST(LlavaHfLayout, NamesOfEitherSideLeadToTheOther) {
  const auto checkpoint = open_model_checkpoint(test::data_folder() / "checkpoint-tiny-hf");
  for (const auto& info : checkpoint.weights->tensors()) {
    EXPECT_EQ(io::model_name(llava_hf_layout(), stored_name(info.name)), info.name);
  }
  EXPECT_EQ(stored_name("lm_head.weight"), "language_model.lm_head.weight");
  EXPECT_EQ(stored_name("model.norm.weight"), "language_model.model.norm.weight");
  EXPECT_EQ(stored_name("model.mm_projector.2.bias"), "multi_modal_projector.linear_2.bias");
  EXPECT_EQ(stored_name("model.image_newline"), "image_newline");
  EXPECT_EQ(stored_name("model.vision_resampler.layers.0.norm1.weight"), "");
}

TEST(LlavaHfLayout, IsWrittenUnderItsPublishedNames) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name) {
    io::write_checkpoint(
        to_write(folder, {{"model.mm_projector.0.weight", at::ones({2})}, {name, at::ones({3})}}));
  };
  write("model.layers.0.mlp.up_proj.weight");
  const auto weights = io::open_safetensors(folder / "hf/model.safetensors");
  EXPECT_NE(weights->find("multi_modal_projector.linear_1.weight"), nullptr);
  EXPECT_NE(weights->find("language_model.model.layers.0.mlp.up_proj.weight"), nullptr);
  EXPECT_EQ(test::error_of([&] { write("model.vision_resampler.layers.0.norm1.bias"); }),
            (folder / "hf").string() +
                ": expected tensors of the llava-hf layout, got model.vision_resampler.layers.0.norm1.bias");
}

TEST(LlavaHfLayout, RowsThatTheConversionAddedAreLeftOut) {
  const TemporaryFolder folder;
  const auto rows = at::arange(152'000, at::kFloat).unsqueeze(1);
  io::write_checkpoint(to_write(folder, {{"model.embed_tokens.weight", rows},
                                         {"model.mm_projector.0.weight", rows},
                                         {"lm_head.weight", at::ones({500, 1})}}));
  const auto weights = open_model_checkpoint(folder / "hf").weights;
  EXPECT_EQ(weights->find("model.embed_tokens.weight")->shape, (std::vector<int64_t>{151'936, 1}));
  EXPECT_TRUE(at::equal(weights->tensor("model.embed_tokens.weight"), rows.narrow(0, 0, 151'936)));
  EXPECT_EQ(weights->tensor("model.mm_projector.0.weight").size(0), 152'000);
  EXPECT_EQ(weights->tensor("lm_head.weight").size(0), 500) << "no published number of rows";
  EXPECT_EQ(lmms_vocabulary_rows(152'128), 152'064);
}

}  // namespace
}  // namespace ccexpert::model
