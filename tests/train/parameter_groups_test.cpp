// Rules on parameter names.
#include "train/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::train {
namespace {

using ::testing::ElementsAre;

class Branch : public torch::nn::Module {
 public:
  Branch() {
    register_parameter("weight", at::ones({2}));
    register_parameter("bias", at::ones({1}));
  }
};

class Tree : public torch::nn::Module {
 public:
  Tree() {
    register_module("left", std::make_shared<Branch>());
    register_module("right", std::make_shared<Branch>());
  }
};

std::vector<std::string> names(const std::vector<TrainableParameter>& parameters) {
  std::vector<std::string> names;
  for (const auto& parameter : parameters) names.push_back(parameter.name);
  return names;
}

TEST(Matches, StarsStandForAnyCharacters) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "a.b"));
  EXPECT_TRUE(matches("a.b", "a.b"));
  EXPECT_TRUE(matches("a.*", "a.b.c"));
  EXPECT_TRUE(matches("*.bias", "a.bias.bias"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(matches("a**", "a"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a", "ab"));
  EXPECT_FALSE(matches("ab", "a"));
  EXPECT_FALSE(matches("a.*", "b.a.c"));
  EXPECT_FALSE(matches("*.bias", "a.biases"));
  EXPECT_FALSE(matches("a*b*c", "acb"));
  EXPECT_FALSE(matches("a.b", "aXb"));  // not a regular expression
}

TEST(ApplyRules, WhatNoneMatchesIsFrozen) {
  Tree tree;
  EXPECT_THAT(names(apply_rules(tree, {{"left.*"}})), ElementsAre("left.weight", "left.bias"));
  for (const auto& item : tree.named_parameters())
    EXPECT_EQ(item.value().requires_grad(), item.key().starts_with("left."));
}

TEST(ApplyRules, TheLastThatMatchesHolds) {
  Tree tree;
  const auto parameters = apply_rules(tree, {{"*", 1.0, 0.1}, {"*.bias", 2.0, 0.0}, {"right.*", 0.5, 0.3}});
  ASSERT_THAT(names(parameters), ElementsAre("left.weight", "left.bias", "right.weight", "right.bias"));
  EXPECT_EQ(parameters[0].weight_decay, 0.1);
  EXPECT_EQ(parameters[1].lr_factor, 2.0);
  EXPECT_EQ(parameters[3].lr_factor, 0.5);
  EXPECT_EQ(parameters[3].weight_decay, 0.3);
}

TEST(ApplyRules, AFactorOfZeroFreezes) {
  Tree tree;
  apply_rules(tree, {{"*"}});
  EXPECT_THAT(names(apply_rules(tree, {{"*"}, {"left.*", 0.0}})), ElementsAre("right.weight", "right.bias"));
  EXPECT_FALSE(tree.named_parameters()["left.bias"].requires_grad());
}

TEST(ApplyRules, TheyShareTheModelsMemory) {
  Tree tree;
  const at::NoGradGuard no_grad;
  apply_rules(tree, {{"left.bias"}}).front().tensor.fill_(5.0);
  EXPECT_EQ(tree.named_parameters()["left.bias"].item<double>(), 5.0);
}

TEST(ApplyRules, RulesThatLaterOnesTakeOverAreRefused) {
  Tree tree;
  EXPECT_EQ(
      test::error_of([&] {
        apply_rules(tree, {{"left.*", 0.1}, {"*"}});
      }),
      "optimizer.parameters[0].pattern: expected a parameter that no later rule matches, got 'left.*', whose "
      "2 parameters later rules all match (the last rule that matches applies)");
}

TEST(ApplyRules, RulesForNothingAreRefused) {
  Tree tree;
  EXPECT_EQ(test::error_of([&] {
              apply_rules(tree, {{"*"}, {"middle.*"}});
            }),
            "optimizer.parameters[1].pattern: expected a pattern of parameters' names, got 'middle.*', which "
            "matches none");
  EXPECT_THAT(test::error_of([&] { apply_rules(tree, {{"rigth.*"}}); }),
              ::testing::HasSubstr("'rigth.*', which matches none (did you mean right.*?)"));
  EXPECT_THAT(test::error_of([&] { apply_rules(tree, {{"left.wieght"}}); }),
              ::testing::HasSubstr("(did you mean left.weight?)"));
  EXPECT_EQ(test::error_of([&] {
              apply_rules(tree, {{"*", 0.0}});
            }),
            "optimizer.parameters: no parameter trains (a rule with lr_factor above 0 is needed)");
  EXPECT_EQ(test::error_of([&] { apply_rules(tree, {}); }),
            "optimizer.parameters: no parameter trains (a rule with lr_factor above 0 is needed)");
}

}  // namespace
}  // namespace ccexpert::train
