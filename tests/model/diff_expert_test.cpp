#include <algorithm>

#include <gtest/gtest.h>

#include <ccexpert/model/diff_expert.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;
using test::kGradient;

constexpr const char* kPrefix = "model.vision_resampler.";

bool is_unused(std::string_view name) {
  return name.find("change_for_key_proj") != std::string_view::npos ||
         name.find("TokenReduce.cross_attn") != std::string_view::npos;
}

/// Golden set: a Diff Expert under its upstream prefix, its inputs and all results of the reference.
struct Golden {
  Golden(const std::string& set, int grid) : folder(test::data_folder() / "diff_expert" / set) {
    const auto config = json("config.json");
    DiffExpertConfig sizes;
    read_fields(config["cc_expert_args"], sizes, set);
    expert = root.add("model", std::make_shared<ModuleGroup>())
                 ->add("vision_resampler", std::make_shared<DiffExpert>(sizes, at::TensorOptions()));
    load_weights(root, *io::open_safetensors(folder / "weights.safetensors"), {.may_be_unused = is_unused});
    const auto name = "grid" + std::to_string(grid);
    arrays = io::open_safetensors(folder / (name + ".safetensors"));
    expected = json(name + ".json");
    for (int64_t s = 0; s < config["scales"].get<int64_t>(); ++s) {
      before.push_back(arrays->tensor("in.A." + std::to_string(s)).clone().requires_grad_());
      after.push_back(arrays->tensor("in.B." + std::to_string(s)).clone().requires_grad_());
    }
  }

  nlohmann::json json(const std::string& name) const {
    return parse_json(read_file(folder / name), (folder / name).string());
  }
  at::Tensor array(const std::string& name) const { return arrays->tensor(name); }

  std::filesystem::path folder;
  ModuleGroup root;
  std::shared_ptr<DiffExpert> expert;
  std::unique_ptr<io::TensorSource> arrays;
  nlohmann::json expected;
  std::vector<at::Tensor> before, after;
};

struct Case {
  const char* set;
  int grid;
};

class DiffExpertGolden : public ::testing::TestWithParam<Case> {
 protected:
  Golden golden_{GetParam().set, GetParam().grid};
};

TEST_P(DiffExpertGolden, PositionEncodingEqualsTheReference) {
  const auto expected = golden_.array("pe");
  EXPECT_TRUE(close(grid_position_encoding(GetParam().grid, expected.size(1), at::kCPU), expected));
}

TEST_P(DiffExpertGolden, EveryLayerEqualsTheReference) {
  const auto trace = golden_.expert->trace(golden_.before, golden_.after);
  const auto scales = static_cast<int64_t>(golden_.before.size());
  for (size_t layer = 0; layer < trace.layers.size(); ++layer) {
    const auto check = [&](const at::Tensor& stacked, const std::string& name) {
      const auto parts = stacked.chunk(scales, 0);
      for (size_t s = 0; s < parts.size(); ++s) {
        const auto key = "layer" + std::to_string(layer) + "." + name + "." + std::to_string(s);
        EXPECT_TRUE(close(parts[s], golden_.array(key))) << key;
      }
    };
    check(trace.initial[layer], "init");
    check(trace.layers[layer].before, "A");
    check(trace.layers[layer].after, "B");
    check(trace.layers[layer].change, "Q");
  }
}

TEST_P(DiffExpertGolden, WeightedOutputEqualsTheReference) {
  const auto out = golden_.expert->forward(golden_.before, golden_.after);
  EXPECT_TRUE(close(out.scale_weights, golden_.array("gate")));
  EXPECT_TRUE(close(out.before, golden_.array("out.A")));
  EXPECT_TRUE(close(out.after, golden_.array("out.B")));
  EXPECT_TRUE(close(out.change, golden_.array("out.Q")));
}

TEST_P(DiffExpertGolden, GradientsEqualTheReference) {
  const auto out = golden_.expert->forward(golden_.before, golden_.after);
  const auto loss = (out.before * golden_.array("grad_out.A")).sum() +
                    (out.after * golden_.array("grad_out.B")).sum() +
                    (out.change * golden_.array("grad_out.Q")).sum();
  EXPECT_TRUE(close(loss, at::scalar_tensor(golden_.expected["loss"].get<double>()), kGradient));
  loss.backward();
  for (size_t s = 0; s < golden_.before.size(); ++s) {
    EXPECT_TRUE(close(golden_.before[s].grad(), golden_.array("grad_in.A." + std::to_string(s)), kGradient));
    EXPECT_TRUE(close(golden_.after[s].grad(), golden_.array("grad_in.B." + std::to_string(s)), kGradient));
  }
  for (const auto& item : golden_.root.named_parameters()) {
    const auto name = "grad." + item.key();
    if (golden_.arrays->find(name) != nullptr) {
      EXPECT_TRUE(close(item.value().grad(), golden_.array(name), kGradient)) << name;
    }
  }
}

TEST_P(DiffExpertGolden, GradientNormOfEveryParameterEqualsTheReference) {
  const auto out = golden_.expert->forward(golden_.before, golden_.after);
  ((out.before * golden_.array("grad_out.A")).sum() + (out.after * golden_.array("grad_out.B")).sum() +
   (out.change * golden_.array("grad_out.Q")).sum())
      .backward();
  const auto& norms = golden_.expected["grad_l2"];
  size_t compared = 0;
  for (const auto& item : golden_.root.named_parameters()) {
    ASSERT_TRUE(norms.contains(item.key())) << item.key();
    const auto& expected = norms[item.key()];
    const auto& gradient = item.value().grad();
    if (expected.is_null()) {
      EXPECT_FALSE(gradient.defined()) << item.key();
      continue;
    }
    ASSERT_TRUE(gradient.defined()) << item.key();
    // Softmax is invariant to a shift of all keys: the exact gradient of a key bias is 0, its norm is float
    // noise.
    const double target = item.key().ends_with("k_proj.bias") ? 0.0 : expected.get<double>();
    EXPECT_TRUE(close(gradient.norm(), at::scalar_tensor(target), kGradient)) << item.key();
    ++compared;
  }
  EXPECT_GT(compared, 20u);
}

INSTANTIATE_TEST_SUITE_P(Sets, DiffExpertGolden,
                         ::testing::Values(Case{"d256", 3}, Case{"d256", 4}, Case{"d128-depth1-scale1", 3}),
                         [](const auto& test) {
                           std::string name =
                               std::string(test.param.set) + "_grid" + std::to_string(test.param.grid);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

DiffExpertConfig small_config(int64_t depth) {
  DiffExpertConfig config;
  config.embedding_dim = 128;
  config.mlp_dim = 256;
  config.per_expert_depth = depth;
  return config;
}

TEST(DiffExpert, FreshWeightsAreTheReferencesDistributionAndTheSeedsOwn) {
  DiffExpert first(small_config(2), {}), second(small_config(2), {}), other(small_config(2), {});
  first.initialize({.seed = 7});
  second.initialize({.seed = 7});
  other.initialize({.seed = 8});
  const auto flag = first.named_parameters()["layers.0.image_a_flag_embed.weight"];
  EXPECT_NEAR(flag.std().item<double>(), 0.02, 0.005);
  EXPECT_NEAR(first.named_parameters()["layers.1.mlp.lin1.weight"].std().item<double>(), 0.02, 0.001);
  EXPECT_EQ(first.named_parameters()["layers.0.norm1.weight"].min().item<double>(), 1.0);
  EXPECT_EQ(first.named_parameters()["layers.0.norm1.bias"].abs().max().item<double>(), 0.0);
  EXPECT_TRUE(at::equal(flag, second.named_parameters()["layers.0.image_a_flag_embed.weight"]));
  EXPECT_FALSE(at::equal(flag, other.named_parameters()["layers.0.image_a_flag_embed.weight"]));
}

TEST(DiffExpert, ThreeLayersAndAnyNumberOfScalesRun) {
  DiffExpert expert(small_config(3), {});
  expert.initialize({.seed = 1});
  const auto features = at::randn({2, 4, 128});
  const auto out = expert.forward({features, features, features}, {features, features, features});
  EXPECT_EQ(out.change.sizes(), (std::vector<int64_t>{2, 4, 128}));
  EXPECT_EQ(out.scale_weights.sizes(), (std::vector<int64_t>{3, 2}));
}

TEST(DiffExpert, RefusesPatchesThatFormNoSquareAndScalesOfOneDateOnly) {
  DiffExpert expert(small_config(1), {});
  expert.initialize({.seed = 1});
  const auto features = at::randn({1, 5, 128});
  EXPECT_EQ(test::error_of([&] { expert.forward({features}, {features}); }),
            "Diff Expert: patches: expected a square number, got 5");
  EXPECT_EQ(
      test::error_of([&] { expert.forward({features}, {}); }),
      "Diff Expert: scales: expected the same number of features for both dates, at least one, got 1 and 0");
}

}  // namespace
}  // namespace ccexpert::model
