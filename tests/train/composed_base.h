// Drawn parts of a base in folders, and the base that is composed of them.
#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/model/weight_layouts.h>

#include "core/files.h"
#include "core/json.h"
#include "train/shared/compose.h"
#include "train/tiny_run.h"

namespace ccexpert::train {

/// A drawn language model with the tokenizer of the small checkpoint, and a drawn vision tower that is wide
/// enough for a Diff Expert.
class ComposedTest : public ::testing::Test {
 protected:
  ComposedTest() {
    write_decoder();
    write_tower();
  }

  void write_decoder() const {
    constexpr int64_t kWidth = 24, kInner = 32, kHeads = 4, kKeyHeads = 2, kHead = 8, kRows = 512;
    const nlohmann::json config{{"architectures", {"Qwen3ForCausalLM"}},
                                {"model_type", "qwen3"},
                                {"hidden_size", kWidth},
                                {"intermediate_size", kInner},
                                {"num_hidden_layers", 2},
                                {"num_attention_heads", kHeads},
                                {"num_key_value_heads", kKeyHeads},
                                {"head_dim", kHead},
                                {"vocab_size", kRows},
                                {"rope_theta", 1e6},
                                {"rms_norm_eps", 1e-6},
                                {"tie_word_embeddings", true}};
    model::DecoderConfig sizes;
    read_fields(config, sizes, "config");
    sizes.attention_bias = false;
    sizes.qk_norm = true;
    sizes.head_dim = kHead;
    auto companions = io::read_companions(test::tiny_folder());
    companions.push_back({"generation_config.json", R"({"do_sample": true, "repetition_penalty": 1.5})"});
    io::write_checkpoint({.folder = decoder_,
                          .config_json = config.dump(),
                          .tensors = drawn(model::Decoder(sizes, {}), ""),
                          .companions = std::move(companions)});
  }

  void write_tower() const {
    const nlohmann::json sizes{{"hidden_size", 128},     {"intermediate_size", 64},
                               {"num_hidden_layers", 5}, {"num_attention_heads", 2},
                               {"image_size", 84},       {"patch_size", 14}};
    const auto checkpoint = io::open_checkpoint(test::tiny_folder());
    model::ModelConfig config = model::parse_model_config(checkpoint.config_json, "config.json");
    read_fields(sizes, config.vision, "config");
    config.diff_expert.reset();
    config.vision_layers = {5};
    const auto parts = model::llava_parts(config, {});
    nlohmann::json whole{{"model_type", "siglip_vision_model"}, {"architectures", {"SiglipVisionModel"}}};
    whole.update(sizes);
    make_folder(vision_);
    write_file(vision_ / "config.json", whole.dump());
    write_file(vision_ / "preprocessor_config.json",
               R"({"image_mean": [0.4, 0.5, 0.6], "image_std": [0.5, 0.5, 0.5], "resample": 2,
                   "size": {"height": 84, "width": 84}})");
    io::write_safetensors(vision_ / "model.safetensors", drawn(*parts.vision, "vision_model."));
  }

  static std::vector<io::NamedTensor> drawn(const torch::nn::Module& module, const std::string& prefix) {
    const at::NoGradGuard no_grad;
    auto generator = at::detail::createCPUGenerator(11);
    std::vector<io::NamedTensor> tensors;
    for (const auto& item : module.named_parameters()) {
      auto values = at::empty(item.value().sizes()).normal_(0.0, 0.1, generator);
      if (item.key().find("norm") != std::string::npos) values += 1.0;
      tensors.push_back({prefix + item.key(), values});
    }
    return tensors;
  }

  void compose() const {
    compose_model({.vision = vision_, .decoder = decoder_, .to = base_, .dtype = Precision::kFloat32});
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path vision_ = folder_ / "siglip2", decoder_ = folder_ / "qwen3",
                              base_ = folder_ / "base";
};

}  // namespace ccexpert::train
