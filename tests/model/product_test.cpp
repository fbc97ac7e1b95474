// Products from outside in place of those of Linear layers, and the tensors that they read.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/linear.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::error_of;
using test::MemorySource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Linears = std::map<std::string, Linear*>;

constexpr int64_t kPrompt = 5, kSteps = 8;

Linears linears_of(torch::nn::Module& module) {
  Linears linears;
  for_each_linear(module, [&](const std::string& name, Linear& linear) { linears[name] = &linear; });
  return linears;
}

/// Computes as the layer itself does, and counts.
class CountingProduct : public Product {
 public:
  explicit CountingProduct(const Linear& linear) : linear_(linear) {}
  at::Tensor apply(const at::Tensor& x) const override {
    ++calls_;
    return kernels::linear_product(x, linear_.matrix(), linear_.bias);
  }
  int calls() const { return calls_; }

 private:
  const Linear& linear_;
  mutable int calls_ = 0;
};

/// x (W + B A)^T + b with A [r,in] and B [out,r].
class LowRankProduct : public Product {
 public:
  LowRankProduct(const Linear& linear, at::Tensor a, at::Tensor b)
      : linear_(linear), a_(std::move(a)), b_(std::move(b)) {}
  at::Tensor apply(const at::Tensor& x) const override {
    return at::linear(x, linear_.matrix(), linear_.bias) + at::linear(at::linear(x, a_), b_);
  }
  at::Tensor merged() const { return linear_.matrix() + at::matmul(b_, a_); }

 private:
  const Linear& linear_;
  at::Tensor a_, b_;
};

/// x (q s)^T with an int8 matrix q [out,in] and a scale s [out] for each row.
class Int8Product : public Product {
 public:
  Int8Product(int64_t in, int64_t out, const at::TensorOptions& options = {})
      : matrix_(at::empty({out, in}, options.dtype(at::kChar))), scales_(at::empty({out}, options)) {}
  at::Tensor apply(const at::Tensor& x) const override {
    return at::linear(x, matrix_.to(x.scalar_type()) * scales_.unsqueeze(1));
  }
  WeightContract reads() const {
    return {{.name = "weight", .target = matrix_, .dtypes = {at::kChar}},
            {.name = "scales", .target = scales_}};
  }

 private:
  at::Tensor matrix_, scales_;
};

std::map<std::string, std::shared_ptr<CountingProduct>> count_all(torch::nn::Module& module) {
  std::map<std::string, std::shared_ptr<CountingProduct>> counters;
  for (const auto& [name, linear] : linears_of(module)) {
    counters[name] = std::make_shared<CountingProduct>(*linear);
    linear->set_product(counters[name]);
  }
  return counters;
}

/// The small checkpoint, whose head is tied to the embedding if `tied`.
std::shared_ptr<CcexpertModel> tiny(bool tied) {
  const auto checkpoint = test::open_tiny();
  auto config = test::config_of(checkpoint);
  config.decoder.tie_word_embeddings = tied;
  MemorySource source(*checkpoint.weights);
  if (tied) source.erase("lm_head.weight");
  return build_model(config, source, {});
}

at::Tensor random_tensor(at::IntArrayRef shape, double deviation, uint64_t seed) {
  return at::empty(shape).normal_(0.0, deviation, at::detail::createCPUGenerator(seed));
}

/// Returns the logits of each greedy step after a prompt with two images, [kSteps,V].
at::Tensor greedy_logits(const CcexpertModel& model) {
  const auto images = model.encode_images(random_tensor({2, 3, 84, 84}, 1.0, 7));
  const auto& decoder = model.decoder();
  KvCache cache(decoder.config().num_hidden_layers, kPrompt + 2 * images.tokens.size(1) + kSteps);
  auto x = model.splice({{5, -200, 6, -200, 7}}, images.tokens).embeddings;
  std::vector<at::Tensor> steps;
  while (std::ssize(steps) < kSteps) {
    steps.push_back(decoder.logits(decoder.forward(x, &cache).select(1, -1))[0]);
    x = decoder.embed(steps.back().argmax().view({1, 1}));
  }
  return at::stack(steps);
}

class WholeModel : public ::testing::TestWithParam<bool> {
 protected:
  at::NoGradGuard no_grad_;
};
INSTANTIATE_TEST_SUITE_P(Heads, WholeModel, ::testing::Bool(),
                         [](const auto& tied) { return tied.param ? "tied" : "untied"; });

TEST_P(WholeModel, EveryLinearCallsItsProductAndNoBitChanges) {
  const auto model = tiny(GetParam());
  const auto expected = greedy_logits(*model);
  const auto counters = count_all(*model);
  EXPECT_TRUE(at::equal(greedy_logits(*model), expected));
  for (const auto& [name, counter] : counters) EXPECT_GT(counter->calls(), 0) << name;
  EXPECT_EQ(counters.at("lm_head")->calls(), kSteps);
  EXPECT_EQ(counters.at("model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding")->calls(),
            1);
}

TEST_P(WholeModel, NullRestoresTheOwnProduct) {
  const auto model = tiny(GetParam());
  const auto expected = greedy_logits(*model);
  const auto counters = count_all(*model);
  for (const auto& [name, linear] : linears_of(*model)) linear->set_product(nullptr);
  EXPECT_TRUE(at::equal(greedy_logits(*model), expected));
  for (const auto& [name, counter] : counters) EXPECT_EQ(counter->calls(), 0) << name;
}

TEST_P(WholeModel, VisitorNamesEveryMatrixOfTheCheckpointThatMultiplies) {
  const auto model = tiny(GetParam());
  std::vector<std::string> expected, visited;
  for (const auto& item : model->named_parameters()) {
    const bool looked_up = item.key().find("embed_tokens") != std::string::npos ||
                           item.key().find("position_embedding") != std::string::npos ||
                           item.key().find("flag_embed") != std::string::npos;
    if (item.value().dim() >= 2 && !looked_up) expected.push_back(item.key());
  }
  if (GetParam()) expected.emplace_back("lm_head.weight");
  for (const auto& [name, linear] : linears_of(*model)) visited.push_back(name + ".weight");
  EXPECT_THAT(visited, ::testing::UnorderedElementsAreArray(expected));
}

TEST_P(WholeModel, LowRankProductsGiveTheTokensOfTheMergedMatrices) {
  const auto model = tiny(GetParam()), merged = tiny(false);
  const auto plain = greedy_logits(*model).argmax(1);
  const auto targets = linears_of(*merged);
  if (GetParam()) targets.at("lm_head")->weight.copy_(model->decoder().head().weight);
  uint64_t seed = 1;
  for (const auto& [name, linear] : linears_of(*model)) {
    const auto matrix = linear->matrix();
    const double deviation = 0.5 * matrix.std().item<double>();
    const auto product =
        std::make_shared<LowRankProduct>(*linear, random_tensor({4, matrix.size(1)}, 1.0, seed),
                                         random_tensor({matrix.size(0), 4}, deviation, seed + 1));
    seed += 2;
    linear->set_product(product);
    targets.at(name)->weight.copy_(product->merged().view_as(targets.at(name)->weight));
  }
  const auto changed = greedy_logits(*model), expected = greedy_logits(*merged);
  EXPECT_TRUE(test::close(changed, expected, {1e-3, 1e-3}));
  EXPECT_TRUE(at::equal(changed.argmax(1), expected.argmax(1)));
  EXPECT_FALSE(at::equal(changed.argmax(1), plain)) << "otherwise the test shows nothing";
}

TEST(TiedHead, IsALinearWithoutAParameterOfItsOwn) {
  const auto model = tiny(true);
  EXPECT_TRUE(model->decoder().tied());
  EXPECT_FALSE(model->named_parameters().contains("lm_head.weight"));
  EXPECT_TRUE(model->decoder().head().weight.is_same(model->named_parameters()["model.embed_tokens.weight"]));
}

TEST(TiedHead, FollowsTheEmbeddingToAnotherDtype) {
  const auto model = tiny(true);
  model->to(at::kDouble);
  EXPECT_EQ(model->decoder().head().weight.scalar_type(), at::kDouble);
}

TEST(ForEachLinear, VisitsAModuleThatIsOne) {
  Linear linear(3, 2, true, {});
  std::vector<std::string> names;
  for_each_linear(linear, [&](const std::string& name, Linear&) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre(""));
}

/// Two products of the same input, and steps around them.
class Steps : public ::testing::Test {
 protected:
  Steps() {
    for (const auto& linear : {first_, second_}) {
      linear->weight.copy_(random_tensor({3, 4}, 1.0, seed_++));
      linear->bias.copy_(random_tensor({3}, 1.0, seed_++));
    }
    norm_.weight.copy_(random_tensor({4}, 1.0, seed_++));
    norm_.bias.copy_(random_tensor({4}, 1.0, seed_++));
  }

  at::NoGradGuard no_grad_;
  uint64_t seed_ = 11;
  std::shared_ptr<Linear> first_ = std::make_shared<Linear>(4, 3, true, at::TensorOptions()),
                          second_ = std::make_shared<Linear>(4, 3, true, at::TensorOptions());
  LayerNorm norm_{4, 1e-5, {}};
  at::Tensor x_ = random_tensor({2, 5, 4}, 1.0, 5), residual_ = random_tensor({2, 5, 3}, 1.0, 6);
};

/// Answers steps with the number of products, or cannot.
class AtOnceProduct : public Product {
 public:
  explicit AtOnceProduct(bool able) : able_(able) {}
  at::Tensor apply(const at::Tensor& x) const override { return x.narrow(-1, 0, 3) * 7.0; }
  std::vector<at::Tensor> apply_steps(const ProductSteps& /*steps*/,
                                      const std::vector<const Product*>& products) const override {
    if (!able_) return {};
    return std::vector<at::Tensor>(products.size(), at::full({1}, static_cast<double>(products.size())));
  }

 private:
  bool able_;
};

TEST_F(Steps, FollowOneAnother) {
  const auto results =
      apply_steps({.x = x_, .norm = &norm_, .activation = Activation::kGelu, .residual = residual_},
                  {first_.get(), second_.get()});
  ASSERT_EQ(results.size(), 2U);
  const auto normed = norm_.forward(x_);
  EXPECT_TRUE(at::equal(results[0], residual_ + at::gelu(first_->forward(normed))));
  EXPECT_TRUE(at::equal(results[1], residual_ + at::gelu(second_->forward(normed))));
}

TEST_F(Steps, MayBeAGate) {
  const auto result = apply_gated({.x = x_, .activation = Activation::kSilu}, *first_, *second_);
  EXPECT_TRUE(at::equal(result, at::silu(first_->forward(x_)) * second_->forward(x_)));
}

TEST_F(Steps, GoToTheFirstProductIfAllComeFromOutside) {
  first_->set_product(std::make_shared<AtOnceProduct>(true));
  const auto alone = apply_steps({.x = x_}, {first_.get(), second_.get()});
  EXPECT_TRUE(at::equal(alone[0], x_.narrow(-1, 0, 3) * 7.0)) << "the second is a plain one";
  second_->set_product(std::make_shared<AtOnceProduct>(false));
  const auto results = apply_steps({.x = x_}, {first_.get(), second_.get()});
  EXPECT_EQ(results[0].item<double>(), 2.0);
  first_->set_product(std::make_shared<AtOnceProduct>(false));
  const auto unable = apply_steps({.x = x_, .residual = residual_}, {first_.get(), second_.get()});
  EXPECT_TRUE(at::equal(unable[0], residual_ + x_.narrow(-1, 0, 3) * 7.0));
}

/// Layer whose product reads an int8 matrix and its scales, beside a plain one.
class Int8Contract : public ::testing::Test {
 protected:
  Int8Contract() {
    auto head = module_->add("head", std::make_shared<Linear>(3, 2, false, at::TensorOptions()));
    module_->add("plain", std::make_shared<Linear>(2, 2, false, at::TensorOptions()));
    auto product = std::make_shared<Int8Product>(3, 2);
    head->set_product(product, product->reads());
    head_ = head;
    source_.erase_all("");
    source_.set("head.weight", at::tensor({1, -2, 3, 127, 0, -128}, at::kChar).view({2, 3}));
    source_.set("head.scales", at::tensor({0.5F, 2.0F}));
    source_.set("plain.weight", at::ones({2, 2}));
  }

  std::shared_ptr<ModuleGroup> module_ = std::make_shared<ModuleGroup>();
  std::shared_ptr<Linear> head_;
  MemorySource source_{*test::open_tiny().weights};
};

TEST_F(Int8Contract, FillsTheProduct) {
  load_weights(*module_, source_);
  const auto y = head_->forward(at::tensor({1.0F, 10.0F, 100.0F}));
  EXPECT_TRUE(at::equal(y, at::tensor({140.5F, -25346.0F}))) << y;
}

TEST_F(Int8Contract, RefusesAnotherDtype) {
  source_.set("head.weight", at::ones({2, 3}));
  EXPECT_EQ(error_of([&] { load_weights(*module_, source_); }),
            "memory: head.weight: expected a tensor of Char, got Float");
}

TEST_F(Int8Contract, ListsTensorsThatDoNotFit) {
  source_.erase("head.scales");
  source_.set("head.weight", at::ones({3, 2}, at::kChar));
  EXPECT_EQ(error_of([&] { load_weights(*module_, source_); }),
            "memory: tensors do not fit the model; 1 missing: head.scales; 1 of the wrong shape: head.weight "
            "(expected [2,3], got [3,2])");
}

TEST_F(Int8Contract, EndsWithTheProduct) {
  head_->set_product(nullptr);
  EXPECT_THAT(error_of([&] { load_weights(*module_, source_); }), HasSubstr("1 unexpected: head.scales"));
}

TEST(BuildModel, PreparesProductsBeforeWeightsAreLoaded) {
  const at::NoGradGuard no_grad;
  const auto checkpoint = test::open_tiny();
  const auto config = test::config_of(checkpoint);
  MemorySource source(*checkpoint.weights);
  source.set("lm_head.weight", at::ones({512, 64}, at::kChar));
  source.set("lm_head.scales", at::arange(512, at::kFloat));
  const auto prepare = [](CcexpertModel& model) {
    auto& head = *linears_of(model).at("lm_head");
    const auto product = std::make_shared<Int8Product>(64, 512, head.weight.options());
    head.set_product(product, product->reads());
  };
  const auto model = build_model(config, source, {.prepare = prepare});
  EXPECT_TRUE(at::equal(model->decoder().logits(at::ones({64})), 64 * at::arange(512, at::kFloat)));
  EXPECT_THAT(error_of([&] { build_model(config, source, {}); }), HasSubstr("1 unexpected: lm_head.scales"));
}

}  // namespace
}  // namespace ccexpert::model
