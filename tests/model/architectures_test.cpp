#include "model/architectures.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/errors.h"

namespace ccexpert::model {
namespace {

ModelConfig base_config() {
  ModelConfig config;
  config.diff_expert.reset();
  config.image_newline = true;
  return config;
}

std::string type_of(const std::string& config_json) {
  const auto& architecture = architecture_of(nlohmann::json::parse(config_json));
  EXPECT_EQ(parse_model_config(config_json, "config.json").architecture, architecture.type);
  return std::string(architecture.type);
}

TEST(Architectures, AreFoundInTheFilesThatAreWrittenForThem) {
  EXPECT_EQ(type_of(model_config_json({})), "llava_qwen_cc");
  EXPECT_EQ(type_of(model_config_json(base_config())), "llava_qwen");
  EXPECT_EQ(type_of(llava_hf_config_json(base_config(), {})), "llava_onevision");
}

TEST(Architectures, OfQwen3AreFoundByTheirType) {
  auto config = base_config();
  config.image_newline = false;
  config.decoder.qk_norm = true;
  EXPECT_EQ(type_of(model_config_json(config)), "llava_qwen3");
  config.diff_expert = DiffExpertConfig{};
  EXPECT_EQ(type_of(model_config_json(config)), "llava_qwen3_cc");
}

TEST(Architectures, HaveTheirOwnNames) {
  for (const auto& architecture : architectures()) {
    EXPECT_EQ(&architecture_named(architecture.type), &architecture);
  }
  EXPECT_EQ(test::error_of([] { architecture_named("llava_next"); }),
            "model_type: expected a known architecture, got llava_next");
}

TEST(Architectures, BuildTheModelThatTheConfigNames) {
  const auto meta = at::TensorOptions().device(at::kMeta);
  ModelConfig config;
  for (const auto& architecture : architectures()) {
    config.architecture = architecture.type;
    if (architecture.type == "minigpt4") config.qformer.emplace();
    EXPECT_EQ(CcexpertModel(config, meta).vision().width(), config.vision.hidden_size);
    config.qformer.reset();
  }
  config.architecture = "llava_next";
  EXPECT_EQ(test::error_of([&] { CcexpertModel(config, meta); }),
            "model_type: expected a known architecture, got llava_next");
}

}  // namespace
}  // namespace ccexpert::model
