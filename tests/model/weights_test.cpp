#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;
using test::error_of;
using test::MemorySource;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kExpert = "model.vision_resampler.";
constexpr const char* kVision = "model.vision_tower.vision_tower.vision_model.";

/// Returns a module of two parameters, for which a whole error text fits on one line.
std::shared_ptr<Linear> small_module() {
  return std::make_shared<Linear>(3, 2, true, at::TensorOptions());
}

MemorySource source_of(const std::map<std::string, at::Tensor>& tensors) {
  MemorySource source(*test::open_tiny().weights, [](const std::string&) { return false; });
  for (const auto& [name, tensor] : tensors) source.set(name, tensor);
  return source;
}

std::vector<std::string> names_of(const torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& item : module.named_parameters()) names.push_back(item.key());
  std::sort(names.begin(), names.end());
  return names;
}

MemorySource base_source() {
  return MemorySource(*test::open_tiny().weights,
                      [](const std::string& name) { return !name.starts_with(kExpert); });
}

ModelConfig base_config() {
  auto config = test::config_of(test::open_tiny());
  config.diff_expert.reset();
  return config;
}

at::Tensor some_pixels() {
  return io::open_safetensors(test::data_folder() / "checkpoint-tiny" / "expected.safetensors")
      ->tensor("0.pixel_values");
}

TEST(LoadWeights, CopiesByNameAndConverts) {
  auto module = small_module();
  const auto weight = at::arange(6, at::kBFloat16).view({2, 3});
  load_weights(*module, source_of({{"weight", weight}, {"bias", at::ones({2}, at::kDouble)}}));
  EXPECT_EQ(module->weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(module->weight.detach(), weight.to(at::kFloat)));
  EXPECT_TRUE(at::equal(module->bias.detach(), at::ones({2})));
}

TEST(LoadWeights, ListsEveryDifferenceInOneErrorAndThenCopiesNothing) {
  auto module = small_module();
  {
    const at::NoGradGuard no_grad;
    module->weight.fill_(7.0);
  }
  const auto one_of_each =
      source_of({{"extra", at::ones({1})}, {"weight", at::ones({3, 2})}, {"another", at::ones({1})}});
  EXPECT_EQ(error_of([&] { load_weights(*module, one_of_each); }),
            "memory: tensors do not fit the model; 1 missing: bias; 2 unexpected: another, extra; 1 of the "
            "wrong shape: weight (expected [2,3], got [3,2])");
  const auto missing = source_of({{"weight", at::ones({2, 3})}});
  EXPECT_EQ(error_of([&] { load_weights(*module, missing); }),
            "memory: tensors do not fit the model; 1 missing: bias");
  EXPECT_TRUE(at::equal(module->weight.detach(), at::full({2, 3}, 7.0)));
  EXPECT_EQ(error_of([&] { load_weights(*module, source_of({})); }),
            "checkpoint: tensors do not fit the model; 2 missing: weight, bias");
}

TEST(LoadWeights, AcceptsWhatItsOptionsAllow) {
  auto module = small_module();
  const at::NoGradGuard no_grad;
  module->bias.fill_(3.0);
  load_weights(*module, source_of({{"weight", at::ones({2, 3})}, {"extra", at::ones({1})}}),
               {.may_be_unused = [](std::string_view name) { return name == "extra"; },
                .may_be_missing = [](std::string_view name) { return name == "bias"; }});
  EXPECT_TRUE(at::equal(module->weight, at::ones({2, 3})));
  EXPECT_TRUE(at::equal(module->bias, at::full({2}, 3.0))) << "a missing parameter keeps its value";
}

TEST(LoadWeights, RefusesTensorsThatAreNoNumbersOfThatKind) {
  auto module = small_module();
  const auto quantised = source_of({{"weight", at::ones({2, 3}, at::kChar)}, {"bias", at::ones({2})}});
  EXPECT_EQ(
      error_of([&] { load_weights(*module, quantised); }),
      "memory: weight: expected a floating-point tensor, got Char (quantised checkpoints are not read)");
}

TEST(LoadWeights, RefusesWhatIsNotFinite) {
  const auto problem = [](double value, at::ScalarType stored, at::ScalarType loaded) {
    auto module = small_module();
    module->to(loaded);
    auto bias = at::ones({2}, stored);
    bias[1] = value;
    return error_of([&] {
      load_weights(*module, source_of({{"weight", at::ones({2, 3})}, {"bias", bias}}));
    });
  };
  const std::string ending = ", got NaN or infinity (damaged weights, or those of a training that diverged)";
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(problem(nan, at::kFloat, at::kFloat),
            "memory: tensor bias: expected finite numbers in Float" + ending);
  EXPECT_EQ(problem(-infinity, at::kBFloat16, at::kFloat),
            "memory: tensor bias: expected finite numbers in BFloat16" + ending);
  EXPECT_EQ(problem(1e6, at::kFloat, at::kHalf),
            "memory: tensor bias: expected finite numbers in Half" + ending)
      << "in the file it is";
  EXPECT_EQ(problem(1e6, at::kFloat, at::kBFloat16), "no error");
}

TEST(BuildModel, ParametersAreTheCheckpointsTensorsButForThoseNothingUses) {
  const auto checkpoint = test::open_tiny();
  const auto names = names_of(*test::build(checkpoint));
  EXPECT_EQ(names.size(), 200u)
      << "86 of the Diff Expert, 83 of the tower, 4 of the projector, 27 of the decoder";
  std::vector<std::string> used, unused;
  for (const auto& info : checkpoint.weights->tensors()) {
    const bool spare = info.name.starts_with(std::string(kVision) + "encoder.layers.5.");
    (spare || is_known_unused(info.name) ? unused : used).push_back(info.name);
  }
  EXPECT_THAT(names, ElementsAreArray(used));
  // 16 tensors of the spare block; the rest is known by name.
  std::erase_if(unused, [](const auto& name) { return name.find("encoder.layers.5.") != std::string::npos; });
  const std::string reduce = std::string(kExpert) + "ChangeAwareTokenReduce.";
  EXPECT_THAT(unused,
              ElementsAre("model.image_newline", "model.mm_cc_projector.0.bias",
                          "model.mm_cc_projector.0.weight", "model.mm_cc_projector.2.bias",
                          "model.mm_cc_projector.2.weight", reduce + "change_for_key_proj.bias",
                          reduce + "change_for_key_proj.weight", reduce + "cross_attn.in_proj_bias",
                          reduce + "cross_attn.in_proj_weight", reduce + "cross_attn.out_proj.bias",
                          reduce + "cross_attn.out_proj.weight", std::string(kVision) + "post_layernorm.bias",
                          std::string(kVision) + "post_layernorm.weight"));
}

TEST(BuildModel, EveryParameterHoldsTheFilesValues) {
  const auto checkpoint = test::open_tiny();
  const auto model = test::build(checkpoint);
  for (const auto& item : model->named_parameters()) {
    EXPECT_TRUE(at::equal(item.value().detach(), checkpoint.weights->tensor(item.key()).to(at::kFloat)))
        << item.key();
  }
}

TEST(BuildModel, LlavaHfParametersHaveTheAuthorsNames) {
  const auto names = names_of(*test::build(test::open_tiny("checkpoint-tiny-hf")));
  EXPECT_THAT(names,
              ::testing::IsSupersetOf(
                  {std::string(kVision) + "embeddings.patch_embedding.weight",
                   std::string(kVision) + "encoder.layers.2.self_attn.out_proj.bias",
                   std::string("model.mm_projector.2.weight"), std::string("model.norm.weight"),
                   std::string("model.layers.1.self_attn.q_proj.bias"), std::string("lm_head.weight")}));
  EXPECT_THAT(names, ::testing::Each(::testing::Not(StartsWith(kExpert))));
}

TEST(BuildModel, NamesEveryTensorOfACheckpointThatDoesNotFit) {
  const auto checkpoint = test::open_tiny();
  MemorySource source(*checkpoint.weights);
  source.erase("model.norm.weight");
  source.set("model.mystery.weight", at::ones({1}));
  source.set("model.mm_projector.0.bias", at::ones({65}));
  EXPECT_EQ(
      error_of([&] { build_model(test::config_of(checkpoint), source, {}); }),
      "memory: tensors do not fit the model; 1 missing: model.norm.weight; 1 unexpected: "
      "model.mystery.weight; 1 of the wrong shape: model.mm_projector.0.bias (expected [64], got [65])");
}

TEST(BuildModel, ComparesShapesBeforeItTakesMemory) {
  const auto checkpoint = test::open_tiny();
  auto config = test::config_of(checkpoint);
  config.decoder.hidden_size = int64_t{1} << 24;  // 1 PB a matrix
  EXPECT_THAT(error_of([&] { build_model(config, *checkpoint.weights, {}); }),
              HasSubstr("; 31 of the wrong shape: model.mm_projector.0.weight (expected [16777216,128]"));
}

/// Returns a position embedding of the tiny tower's width with equal columns.
at::Tensor positions_of(const std::vector<float>& values) {
  return at::tensor(values).unsqueeze(1).expand({-1, 128}).contiguous();
}

TEST(BuildModel, StretchesThePositionEmbeddingWhereItMay) {
  auto config = test::config_of(test::open_tiny());
  config.vision.image_size = 4 * config.vision.patch_size;
  const std::string name = std::string(kVision) + "embeddings.position_embedding.weight";
  MemorySource source(*test::open_tiny().weights);
  source.set(name, positions_of({1, 2, 4, 8, 16, 32, 3, 9, 27}));
  EXPECT_THAT(error_of([&] { build_model(config, source, {}); }),
              HasSubstr("position_embedding.weight (expected [16,128], got [9,128])"));
  const auto model = build_model(config, source, {.resize_positions = true});
  // Keys' cubic convolution with a = -0.75, computed by hand, as in torch and transformers.
  EXPECT_TRUE(close(model->named_parameters()[name].detach(),
                    positions_of({0.461845F, 0.706494F, 1.408373F, 2.061661F, 5.617921F, 8.491682F,
                                  16.218542F, 23.230028F, 6.389597F, 10.109423F, 22.479425F, 34.584981F,
                                  2.220753F, 4.393869F, 15.679025F, 27.943409F}),
                    {1e-4, 1e-5}));
}

TEST(BuildModel, APositionEmbeddingThatFitsIsNotTouched) {
  const auto checkpoint = test::open_tiny();
  const auto model =
      build_model(test::config_of(checkpoint), *checkpoint.weights, {.resize_positions = true});
  EXPECT_TRUE(
      at::equal(model->named_parameters()[std::string(kVision) + "embeddings.position_embedding.weight"],
                test::build(checkpoint)
                    ->named_parameters()[std::string(kVision) + "embeddings.position_embedding.weight"]));
}

TEST(BuildModel, QuantisedPositionsAreNotStretched) {
  const auto config = test::config_of(test::open_tiny());
  MemorySource source(*test::open_tiny().weights);
  source.set(std::string(kVision) + "embeddings.position_embedding.weight",
             positions_of({1, 2, 3, 4}).to(at::kChar));
  EXPECT_THAT(error_of([&] { build_model(config, source, {.resize_positions = true}); }),
              HasSubstr("position_embedding.weight (expected [36,128], got [4,128])"));
}

TEST(BuildModel, PositionsThatAreNoSquareAreNotStretched) {
  const auto config = test::config_of(test::open_tiny());
  MemorySource source(*test::open_tiny().weights);
  source.set(std::string(kVision) + "embeddings.position_embedding.weight", positions_of({1, 2, 3, 4, 5}));
  EXPECT_THAT(error_of([&] { build_model(config, source, {.resize_positions = true}); }),
              HasSubstr("position_embedding.weight (expected [36,128], got [5,128])"));
}

TEST(BuildModel, ADiffExpertThatIsOnOneSideOnlyIsAnError) {
  const auto with = test::config_of(test::open_tiny());
  const auto base = base_source();
  EXPECT_FALSE(has_diff_expert(base));
  EXPECT_TRUE(has_diff_expert(*test::open_tiny().weights));
  const auto missing = error_of([&] { build_model(with, base, {}); });
  EXPECT_THAT(missing,
              StartsWith("memory: tensors do not fit the model; 86 missing: model.vision_resampler."));
  const auto unexpected = error_of([&] { build_model(base_config(), *test::open_tiny().weights, {}); });
  EXPECT_THAT(unexpected, HasSubstr("86 unexpected: model.vision_resampler."));
  EXPECT_EQ(error_of([&] { build_model(base_config(), base, {.fresh_diff_expert = true}); }),
            "fresh Diff Expert: the model config describes none");
}

TEST(BuildModel, ABaseWithoutDiffExpertProjectsTheLastFeaturesAlone) {
  const at::NoGradGuard no_grad;
  const auto model = build_model(base_config(), base_source(), {});
  EXPECT_FALSE(model->diff_expert());
  const auto pixels = some_pixels();
  const auto images = model->encode_images(pixels);
  const auto last = test::build(test::open_tiny())->vision_features(pixels).back();
  EXPECT_TRUE(close(images.tokens, model->connector().forward(last)));
  EXPECT_FALSE(images.change.defined());
}

TEST(BuildModel, AFreshDiffExpertIsTheSeedsOwnBesideTheBasesWeights) {
  const at::NoGradGuard no_grad;
  const auto config = test::config_of(test::open_tiny());
  const auto base = base_source();
  const auto build = [&](uint64_t seed) {
    return build_model(config, base, {.fresh_diff_expert = true, .fresh = {.seed = seed}});
  };
  const auto first = build(1), same = build(1), other = build(2);
  const std::string flag = "model.vision_resampler.layers.0.change_flag_embed.weight";
  EXPECT_TRUE(at::equal(first->named_parameters()[flag], same->named_parameters()[flag]));
  EXPECT_FALSE(at::equal(first->named_parameters()[flag], other->named_parameters()[flag]));
  EXPECT_TRUE(at::equal(first->named_parameters()["model.mm_projector.0.weight"],
                        base.tensor("model.mm_projector.0.weight").to(at::kFloat)));
  EXPECT_TRUE(first->encode_images(some_pixels()).tokens.isfinite().all().item<bool>());
}

TEST(BuildModel, AStoredDiffExpertIsNeverReplacedByAFreshOne) {
  const auto checkpoint = test::open_tiny();
  const auto model =
      build_model(test::config_of(checkpoint), *checkpoint.weights, {.fresh_diff_expert = true});
  const std::string flag = "model.vision_resampler.layers.0.change_flag_embed.weight";
  EXPECT_TRUE(
      at::equal(model->named_parameters()[flag].detach(), checkpoint.weights->tensor(flag).to(at::kFloat)));
}

TEST(BuildModel, ADamagedDiffExpertIsAnErrorEvenWhereAFreshOneIsWelcome) {
  const auto checkpoint = test::open_tiny();
  MemorySource source(*checkpoint.weights);
  source.erase("model.vision_resampler.layers.0.norm1.weight");
  EXPECT_EQ(error_of([&] { build_model(test::config_of(checkpoint), source, {.fresh_diff_expert = true}); }),
            "memory: tensors do not fit the model; 1 missing: model.vision_resampler.layers.0.norm1.weight");
}

TEST(BuildModel, AStoredHeadIsUsedWhateverTheConfigSays) {
  const auto checkpoint = test::open_tiny();
  auto config = test::config_of(checkpoint);
  config.decoder.tie_word_embeddings = true;
  EXPECT_FALSE(build_model(config, *checkpoint.weights, {})->decoder().tied());
}

// The 0.5B LLaVA-OneVision base stores no head although its config says untied.
TEST(BuildModel, AHeadThatIsNotStoredIsTiedInABaseAloneWhereTheConfigSaysOtherwise) {
  const auto checkpoint = test::open_tiny();
  auto config = test::config_of(checkpoint);
  config.decoder.tie_word_embeddings = false;
  MemorySource headless(*checkpoint.weights);
  headless.erase("lm_head.weight");
  EXPECT_EQ(error_of([&] { build_model(config, headless, {}); }),
            "memory: tensors do not fit the model; 1 missing: lm_head.weight");
  config.decoder.tie_word_embeddings = true;
  EXPECT_TRUE(build_model(config, headless, {})->decoder().tied());
  config.decoder.tie_word_embeddings = false;
  config.diff_expert.reset();
  headless.erase_all("model.vision_resampler.");
  EXPECT_TRUE(build_model(config, headless, {})->decoder().tied());
}

class HalfPrecision : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(HalfPrecision, RunsCloseToFloat32) {
  const at::NoGradGuard no_grad;
  const auto checkpoint = test::open_tiny();
  const auto model = build_model(test::config_of(checkpoint), *checkpoint.weights,
                                 {.tensor = at::TensorOptions().dtype(GetParam())});
  for (const auto& item : model->named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), GetParam()) << item.key();
  }
  const auto exact = test::build(checkpoint);
  const auto pixels = some_pixels();
  const auto images = model->encode_images(pixels.to(GetParam()));
  EXPECT_EQ(images.tokens.scalar_type(), GetParam());
  const auto reference = exact->encode_images(pixels).tokens;
  // bfloat16 has 8 bits of precision: about 40 matrix products add up to a few percent of the largest value.
  const double percent = GetParam() == at::kBFloat16 ? 5.0 : 1.0;
  const double scale = reference.abs().max().item<double>();
  EXPECT_TRUE(close(images.tokens, reference, {percent / 100.0 * scale, 0.0})) << "scale " << scale;
  const std::vector<int64_t> ids{1, 2, -200, 3, -200, 4};
  const auto logits = [&](const CcexpertModel& of, const at::Tensor& tokens) {
    return of.decoder().logits(of.decoder().forward(of.splice({ids}, tokens).embeddings));
  };
  const auto expected = logits(*exact, reference);
  EXPECT_TRUE(close(logits(*model, images.tokens), expected,
                    {percent / 100.0 * expected.abs().max().item<double>(), 0.0}));
}

INSTANTIATE_TEST_SUITE_P(Dtypes, HalfPrecision, ::testing::Values(at::kBFloat16, at::kHalf),
                         [](const auto& test) { return std::string(at::toString(test.param)); });

}  // namespace
}  // namespace ccexpert::model
