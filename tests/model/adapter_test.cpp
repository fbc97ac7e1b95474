// Adapters in PEFT's file format: those of the real peft, our own, and those that cannot be read.
#include "model/shared/adapter.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "model/shared/int8_model.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_of;
using ::testing::HasSubstr;

const fs::path kMade = test::data_folder() / "lora";

std::unique_ptr<io::TensorSource> expected(const char* name) {
  return io::open_safetensors(kMade / name / "expected.safetensors");
}

std::shared_ptr<CcexpertModel> build(const io::Checkpoint& checkpoint) {
  return test::build(checkpoint);
}

at::Tensor decoder_logits(const CcexpertModel& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  return model.decoder().logits(model.decoder().forward(model.decoder().embed(ids)));
}

/// True: the adapter is merged at load. False: it stays apart.
class PeftAdapter : public ::testing::TestWithParam<bool> {
 protected:
  static std::shared_ptr<CcexpertModel> load(const char* checkpoint, const char* adapter) {
    const auto folder = test::data_folder() / checkpoint;
    if (GetParam()) return build(open_adapted_checkpoint(folder, kMade / adapter));
    auto model = build(open_model_checkpoint(folder));
    attach_adapter(*model, open_adapter(kMade / adapter));
    return model;
  }
};
INSTANTIATE_TEST_SUITE_P(Ways, PeftAdapter, ::testing::Bool(),
                         [](const auto& merged) { return merged.param ? "merged" : "apart"; });

TEST_P(PeftAdapter, OfADecoderGivesTheLogitsOfPeft) {
  const auto golden = expected("decoder");
  const auto model = load("checkpoint-tiny", "decoder");
  const auto ids = golden->tensor("ids"), logits = golden->tensor("logits");
  EXPECT_TRUE(test::close(decoder_logits(*model, ids), logits));
  EXPECT_FALSE(test::close(decoder_logits(*build(test::open_tiny()), ids), logits));
}

TEST_P(PeftAdapter, OfALlavaHfModelGivesTokensAndLogitsOfPeft) {
  const at::NoGradGuard no_grad;
  const auto golden = expected("whole");
  const auto model = load("checkpoint-tiny-hf", "whole");
  const auto tokens = model->encode_images(golden->tensor("pixels")).tokens;
  EXPECT_TRUE(test::close(tokens.narrow(1, 0, 36), golden->tensor("tokens")));
  EXPECT_TRUE(test::close(decoder_logits(*model, golden->tensor("ids")), golden->tensor("logits")));
}

TEST(MergedWeights, AreRoundedOnce) {
  const auto source = open_adapted_checkpoint(test::data_folder() / "checkpoint-tiny", kMade / "decoder");
  const auto plain = test::open_tiny();
  const std::string name = "model.layers.0.self_attn.q_proj.weight";
  EXPECT_EQ(source.weights->find(name)->dtype, at::kFloat);
  const auto layers = open_adapter(kMade / "decoder").layers;
  const auto layer = std::find_if(layers.begin(), layers.end(),
                                  [&](const auto& each) { return name.starts_with(each.name); });
  ASSERT_NE(layer, layers.end());
  const auto matrix = plain.weights->tensor(name).to(at::kDouble) +
                      1.5 * at::matmul(layer->b.to(at::kDouble), layer->a.to(at::kDouble));
  EXPECT_TRUE(test::close(source.weights->tensor(name), matrix, {1e-6, 1e-6}));
  const std::string norm = "model.norm.weight";
  EXPECT_TRUE(at::equal(source.weights->tensor(norm), plain.weights->tensor(norm)));
}

TEST(Int8Base, KeepsAnAdapterApart) {
  const auto golden = expected("decoder");
  const auto checkpoint = test::open_tiny();
  const auto model = build_int8_model(test::config_of(checkpoint), *checkpoint.weights);
  const auto cosine = [&] {
    const auto logits = decoder_logits(*model, golden->tensor("ids")).to(at::kFloat);
    return at::cosine_similarity(logits, golden->tensor("logits"), -1).min().item<double>();
  };
  const double without = cosine();
  attach_adapter(*model, open_adapter(kMade / "decoder"));
  EXPECT_GT(cosine(), 0.995);
  EXPECT_LT(without, 0.99) << "otherwise the test shows nothing";
}

TEST(Int8Base, CannotBeMergedInto) {
  const auto checkpoint = test::open_tiny();
  auto source = std::make_unique<test::MemorySource>(*checkpoint.weights);
  source->set("model.layers.0.self_attn.q_proj.weight", at::ones({64, 64}, at::kChar));
  EXPECT_EQ(error_of([&] { merged_weights(std::move(source), open_adapter(kMade / "decoder")); }),
            "memory: model.layers.0.self_attn.q_proj.weight: expected a floating-point matrix to merge an "
            "adapter into, got Char (keep the adapter apart from weights of 8 bits)");
}

TEST(AdapterConfig, ReadsSizesAndPatterns) {
  const auto config = open_adapter(kMade / "decoder").config;
  EXPECT_EQ(config.size, (LoraSize{.rank = 4, .alpha = 6}));
  EXPECT_TRUE(config.sizes_differ);
  EXPECT_DOUBLE_EQ(config.scale_of("model.layers.0.self_attn.k_proj", 4), 0.75);
  EXPECT_DOUBLE_EQ(config.scale_of("model.layers.0.self_attn.o_proj", 2), 3.0);
  EXPECT_DOUBLE_EQ(config.scale_of("model.layers.1.mlp.up_proj", 4), 3.0);
  EXPECT_DOUBLE_EQ(config.scale_of("model.layers.11.mlp.up_proj", 4), 1.5);
  EXPECT_TRUE(open_adapter(kMade / "whole").config.size.rank_stabilized);
}

/// Change of adapter_config.json, and the end of the error.
struct Refused {
  const char* key;
  json value;
  const char* message;
};

const std::string kMerge = " (merge the adapter with merge_and_unload() of PEFT and save the whole model)";

TEST(AdapterConfig, RefusesWhatChangesTheArithmetic) {
  const Refused cases[] = {
      {"peft_type", "IA3",
       "adapter_config.json: peft_type: expected LORA, got IA3 (no other adapter is read)"},
      {"bias", "all", "bias: expected none, got all"},
      {"use_dora", true, "use_dora: expected an adapter without it, got true"},
      {"modules_to_save", {"lm_head"}, "modules_to_save: expected an adapter without it, got an array"},
      {"lora_bias", true, "lora_bias: expected an adapter without it, got true"},
      {"target_parameters", {"x"}, "target_parameters: expected an adapter without it"},
      {"init_lora_weights", "pissa",
       "init_lora_weights: expected a start that leaves the base's weights as they are, got pissa"},
      {"r", 0, "r: expected at least 1, got 0"},
      {"r", "eight", "r: expected an integer, got"},
      {"lora_alpha", -1, "lora_alpha: expected above 0, got -1"},
      {"alpha_pattern", {{".*q_proj", 2}}, "alpha_pattern: expected ends of names, got .*q_proj"},
      {"alpha_pattern", {{"q_proj", "x"}}, "alpha_pattern.q_proj: expected a number above 0"}};
  const auto plain = json::parse(read_file(kMade / "decoder/adapter_config.json"));
  for (const auto& [key, value, message] : cases) {
    auto config = plain;
    config[key] = value;
    EXPECT_THAT(error_of([&] { parse_adapter_config(config.dump(), "adapter_config.json"); }),
                HasSubstr(message));
  }
  auto dora = plain;
  dora["use_dora"] = true;
  EXPECT_EQ(error_of([&] { parse_adapter_config(dora.dump(), "f"); }),
            "f: use_dora: expected an adapter without it, got true" + kMerge);
  EXPECT_THAT(error_of([&] { parse_adapter_config("[]", "f"); }), HasSubstr("f: expected a JSON object"));
}

/// A copy of the decoder's adapter, with other tensors.
class ChangedAdapter : public ::testing::Test {
 protected:
  ChangedAdapter() {
    json config{{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 2}, {"base_model_name_or_path", "some/base"}};
    folder_.write("adapter_config.json", config.dump());
    set("model.layers.0.self_attn.q_proj", at::ones({2, 64}), at::ones({64, 2}));
  }
  void set(const std::string& layer, const at::Tensor& a, const at::Tensor& b) {
    tensors_["base_model.model." + layer + kLoraA] = a;
    tensors_["base_model.model." + layer + kLoraB] = b;
  }
  std::string refusal() {
    std::vector<io::NamedTensor> tensors;
    for (const auto& [name, tensor] : tensors_) tensors.push_back({name, tensor});
    io::write_safetensors(folder_ / "adapter_model.safetensors", tensors);
    return error_of([&] {
      const auto checkpoint =
          open_adapted_checkpoint(test::data_folder() / "checkpoint-tiny", folder_.path());
      checkpoint.weights->tensor("model.layers.0.self_attn.q_proj.weight");
    });
  }

  test::TemporaryFolder folder_;
  std::map<std::string, at::Tensor> tensors_;
};

TEST_F(ChangedAdapter, OfFittingTensorsIsRead) {
  EXPECT_EQ(refusal(), "no error");
}

TEST_F(ChangedAdapter, OfAnotherBaseIsRefusedWithItsName) {
  set("model.layers.7.self_attn.q_proj", at::ones({2, 64}), at::ones({64, 2}));
  set("model.layers.0.mlp.up_proj", at::ones({2, 896}), at::ones({4864, 2}));
  EXPECT_EQ(refusal(),
            folder_.path().string() +
                ": does not fit the model; it was made for some/base; 1 without a matrix: "
                "model.layers.7.self_attn.q_proj; 1 of the wrong shape: model.layers.0.mlp.up_proj (expected "
                "[128,64], got [4864,896])");
}

TEST_F(ChangedAdapter, WithOtherTensorsIsRefused) {
  tensors_["base_model.model.lm_head.weight"] = at::ones({512, 64});
  EXPECT_THAT(refusal(),
              HasSubstr("expected tensors base_model.model.NAME.lora_A.weight and lora_B.weight, got 1 "
                        "others: base_model.model.lm_head.weight"));
  tensors_.erase("base_model.model.lm_head.weight");
  tensors_.erase("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight");
  EXPECT_THAT(refusal(),
              HasSubstr("expected A and B of each layer, got model.layers.0.self_attn.q_proj with one"));
}

TEST_F(ChangedAdapter, WithOtherShapesOrValuesIsRefused) {
  const std::string layer = "model.layers.0.self_attn.q_proj";
  set(layer, at::ones({3, 64}), at::ones({64, 3}));
  EXPECT_THAT(refusal(), HasSubstr("expected rank 2, as adapter_config.json states, got 3"));
  set(layer, at::ones({2, 64}), at::ones({64, 3}));
  EXPECT_THAT(refusal(), HasSubstr("expected A [r,in] and B [out,r], got [2,64] and [64,3]"));
  set(layer, at::ones({2, 3, 14, 14}), at::ones({64, 2, 1, 1}));
  EXPECT_THAT(refusal(), HasSubstr("expected a matrix, got 4 dimensions"));
  set(layer, at::full({2, 64}, NAN), at::ones({64, 2}));
  EXPECT_THAT(refusal(), HasSubstr("lora_A.weight: expected finite numbers, got NaN or infinity"));
  set(layer, at::ones({2, 64}, at::kInt), at::ones({64, 2}));
  EXPECT_THAT(refusal(), HasSubstr("expected floating-point numbers, got Int"));
}

TEST_F(ChangedAdapter, MissingFilesAreNamed) {
  EXPECT_THAT(error_of([&] { open_adapter(folder_.path()); }),
              HasSubstr("expected a folder with adapter_model.safetensors, got none in it"));
  EXPECT_THAT(error_of([&] { open_adapter(folder_ / "none"); }),
              HasSubstr("expected a folder with adapter_config.json, got no folder"));
}

TEST(AdapterFiles, AreReadBack) {
  const at::NoGradGuard no_grad;
  const auto model = build(test::open_tiny());
  const auto layers = add_lora(*model, lora_targets(*model, {"q_proj", "mm_projector.0"}),
                               {.rank = 2, .alpha = 3, .rank_stabilized = true});
  initialize_lora(layers, 3);
  auto generator = at::detail::createCPUGenerator(4);
  for (const auto& layer : layers) layer.product->b.normal_(0.0, 0.1, generator);
  for (const auto* layout : {static_cast<const io::WeightLayout*>(nullptr), &llava_hf_layout()}) {
    const test::TemporaryFolder folder;
    const AdapterText text{
        .size = {.rank = 2, .alpha = 3, .rank_stabilized = true}, .base = "some/base", .layout = layout};
    folder.write(kAdapterConfigFile, adapter_config_json(layers, text));
    io::write_safetensors(folder / kAdapterWeightsFile, adapter_tensors(layers, layout));
    const auto adapter = open_adapter(folder.path());
    EXPECT_EQ(adapter.config.size, text.size);
    EXPECT_EQ(adapter.config.base, "some/base");
    const auto other = build(test::open_tiny());
    const auto loaded = attach_adapter(*other, adapter);
    std::map<std::string, at::Tensor> values;
    for (const auto& parameter : lora_parameters(loaded)) values[parameter.name] = parameter.tensor;
    ASSERT_EQ(loaded.size(), layers.size());
    for (const auto& own : lora_parameters(layers)) EXPECT_TRUE(at::equal(values.at(own.name), own.tensor));
    const auto ids = at::arange(6).view({1, 6});
    EXPECT_TRUE(at::equal(decoder_logits(*other, ids), decoder_logits(*model, ids)));
  }
}

TEST(AdapterFiles, HaveTheNamesOfPeft) {
  const auto model = build(test::open_tiny());
  const auto layers = add_lora(*model, {"model.mm_projector.2", "model.layers.0.self_attn.q_proj"},
                               {.rank = 2, .alpha = 2.5});
  initialize_lora(layers, 3);
  const auto config = json::parse(adapter_config_json(
      layers, {.size = {.rank = 2, .alpha = 2.5}, .base = "b", .layout = &llava_hf_layout()}));
  EXPECT_EQ(config["target_modules"],
            (json{"model.multi_modal_projector.linear_2", "model.language_model.layers.0.self_attn.q_proj"}));
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["r"], 2);
  EXPECT_EQ(config["lora_alpha"], 2.5);
  EXPECT_EQ(config["base_model_name_or_path"], "b");
  EXPECT_EQ(adapter_tensors(layers, nullptr).front().name,
            "base_model.model.model.mm_projector.2.lora_A.weight");
}

}  // namespace
}  // namespace ccexpert::model
