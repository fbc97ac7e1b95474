// Config files: accepted keys, the chain of stages, and errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/train/config.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kSmall = R"(output: runs/x
model:
  start: base
data: {train: train.json,
  validation: val.json}
)";

class TrainConfigFile : public ::testing::Test {
 protected:
  std::vector<TrainConfig> read(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
    return read_train_config(folder_.write("run.yaml", yaml), overrides);
  }
  TrainConfig small(const std::string& more = "", const std::vector<std::string>& overrides = {}) {
    return read(kSmall + more, overrides).front();
  }
  /// Returns the message without the test's temporary folder.
  std::string refusal(const std::string& more, const std::vector<std::string>& overrides = {}) {
    auto message = test::error_of([&] { read(kSmall + more, overrides); });
    const auto folder = folder_.path().string() + "/";
    if (const auto at = message.find(folder); at != std::string::npos) message.erase(at, folder.size());
    return message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(TrainConfigFile, DefaultsAreThePapers) {
  const auto config = small();
  EXPECT_EQ(config.name, "train");
  EXPECT_EQ(config.output, "runs/x");
  EXPECT_EQ(config.model.dtype, Precision::kBfloat16);
  EXPECT_EQ(config.optimizer.learning_rate, 1e-5);
  EXPECT_EQ(config.optimizer.schedule, Decay::kCosine);
  EXPECT_EQ(config.optimizer.warmup_ratio, 0.03);
  EXPECT_EQ(config.optimizer.beta2, 0.999);
  EXPECT_EQ(config.optimizer.clip_norm, 1.0);
  EXPECT_EQ(config.data.max_tokens, 2048);
  EXPECT_EQ(config.distributed.zero, 2);
  EXPECT_EQ(config.loss.caption, 1.0);
  EXPECT_FALSE(config.loss.auxiliary());
  ASSERT_EQ(config.optimizer.parameters.size(), 1U);
  EXPECT_EQ(config.optimizer.parameters[0].pattern, "*");
}

TEST_F(TrainConfigFile, SectionsAndListsAreRead) {
  const auto config = small(R"(batch: {global: 12, micro: 3, epochs: 0.5}
optimizer:
  learning_rate: 2e-4
  parameters:
    - pattern: model.vision_resampler.*
    - {pattern: "model.vision_tower.*", lr_factor: 0.2, weight_decay: 0.1}
evaluation:
  generation: {beams: 3}
)");
  EXPECT_EQ(config.batch.global, 12);
  EXPECT_EQ(config.batch.epochs, 0.5);
  EXPECT_EQ(config.optimizer.learning_rate, 2e-4);
  ASSERT_EQ(config.optimizer.parameters.size(), 2U);
  EXPECT_EQ(config.optimizer.parameters[0].lr_factor, 1.0);
  EXPECT_EQ(config.optimizer.parameters[1].lr_factor, 0.2);
  EXPECT_EQ(config.optimizer.parameters[1].weight_decay, 0.1);
  EXPECT_EQ(config.evaluation.generation.beams, 3);
}

TEST_F(TrainConfigFile, UnknownKeysAreNamedWithTheNearest) {
  EXPECT_THAT(refusal("optimiser: {}\n"), HasSubstr("run.yaml:6: optimiser"));
  EXPECT_THAT(refusal("optimiser: {}\n"), HasSubstr("optimizer"));
  const auto inner = refusal("batch:\n  micro: 8\n  globl: 8\n");
  EXPECT_THAT(inner, HasSubstr("run.yaml:8: batch.globl"));
  EXPECT_THAT(inner, HasSubstr("did you mean global?"));
  EXPECT_THAT(refusal("optimizer:\n  parameters:\n    - patern: x\n"),
              HasSubstr("run.yaml:8: optimizer.parameters[0].patern"));
}

TEST_F(TrainConfigFile, WrongTypesAreNamed) {
  EXPECT_EQ(refusal("batch: {micro: few}\n"), "run.yaml:6: batch.micro: expected an integer, got 'few'");
  EXPECT_EQ(refusal("batch: {micro: 1.5}\n"), "run.yaml:6: batch.micro: expected an integer, got '1.5'");
  EXPECT_THAT(refusal("batch: 3\n"), HasSubstr("run.yaml:6: batch: expected a section with keys, got"));
  EXPECT_THAT(refusal("optimizer: {parameters: x}\n"),
              HasSubstr("run.yaml:6: optimizer.parameters: expected a list, got"));
  EXPECT_THAT(refusal("optimizer: {eps: [1]}\n"), HasSubstr("run.yaml:6: optimizer.eps: expected a number"));
  EXPECT_THAT(refusal("model: {fresh: 3}\n"), HasSubstr("model"));  // duplicate section
}

TEST_F(TrainConfigFile, CombinationsThatCannotBeAreNamedWithTheirLine) {
  EXPECT_EQ(refusal("batch:\n  global: 12\n  micro: 5\n"),
            "run.yaml:8: batch.micro: expected a divisor of batch.global (12), got 5");
  EXPECT_EQ(refusal("batch:\n  global: 12\n"),
            "run.yaml:7: batch.global: expected a multiple of batch.micro (8), got 12");
  EXPECT_EQ(
      refusal("seed: 1\noptimizer:\n  schedule: cosin\n"),
      "run.yaml:8: optimizer.schedule: expected cosine or constant, got 'cosin' (did you mean cosine?)");
  EXPECT_EQ(refusal("evaluation:\n  generation:\n    beams: 2\n    temperature: 1\n"),
            "run.yaml:8: evaluation.generation.beams: expected 1 if temperature is above 0, got 2 (beam "
            "search does not sample)");
  EXPECT_EQ(refusal("optimizer:\n  parameters:\n    - pattern: a\n    - pattern: b\n      lr_factor: -1\n"),
            "run.yaml:10: optimizer.parameters[1].lr_factor: expected at least 0, got -1");
  const auto no_start = test::error_of([&] { read("output: x\ndata: {train: y}\n"); });
  EXPECT_THAT(no_start, ::testing::EndsWith("run.yaml: model.start: expected a checkpoint folder to start "
                                            "from, got none"));
  EXPECT_EQ(
      test::error_of([&] {
        read("output: x\nmodel: {start: y, diff_expert: false}\ndata: {train: z}\nloss:\n  mask: 0.5\n");
      }),
      (folder_ / "run.yaml").string() + ":5: loss.mask: expected 0, as model.diff_expert is false, got 0.5");
}

TEST_F(TrainConfigFile, AQuestionAndAPromptStyleThatContradictAreRefused) {
  EXPECT_EQ(refusal("stages:\n  - data: {prompt_style: papers}\n"),
            "run.yaml:7: data.prompt_style: expected reference or paper, got 'papers' (did you mean paper?)");
  EXPECT_EQ(
      refusal("stages:\n  - data: {question: \"What?\", prompt_style: paper}\n"),
      "run.yaml:7: data.question: contradicts the prompt style paper (give the question or the style, not "
      "both)");
  EXPECT_THAT(refusal("stages:\n  - data: {question: one <image>}\n"),
              HasSubstr("run.yaml:7: data.question: expected <image> twice"));
}

TEST_F(TrainConfigFile, GenerationValuesThatAreNotSetStayUnset) {
  const auto config =
      small("evaluation:\n  generation: {repetition_penalty: 1.2, stop_ids: [4, 5], top_p: ~}\n");
  EXPECT_EQ(config.evaluation.generation.repetition_penalty, 1.2);
  EXPECT_EQ(config.evaluation.generation.top_p, std::nullopt);
  EXPECT_EQ(config.evaluation.generation.max_new_tokens, std::nullopt);
  const auto copy = folder_.write("copy.yaml", to_yaml_text(config));
  const auto again = read_train_config(copy, {}).front();
  EXPECT_EQ(to_yaml_text(again), to_yaml_text(config));
  EXPECT_EQ(again.evaluation.generation.repetition_penalty, 1.2);
  EXPECT_EQ(again.evaluation.generation.stop_ids, (std::vector<int64_t>{4, 5}));
}

TEST_F(TrainConfigFile, AStagesMistakesAreNamedWithTheirLine) {
  // Both the common part and the stage have the section.
  EXPECT_THAT(refusal("batch: {global: 8}\nstages:\n  - batch:\n      globl: 3\n"),
              HasSubstr("run.yaml:9: batch.globl: unknown key (did you mean global?)"));
  EXPECT_THAT(refusal("batch: {globl: 8}\nstages:\n  - batch:\n      global: 3\n"),
              HasSubstr("run.yaml:6: batch.globl"));
  EXPECT_THAT(refusal("batch: {global: 8}\nstages:\n  - batch: {micro: 2}\n  - batch: {micro: 3}\n"),
              HasSubstr("run.yaml:9: batch.micro: expected a divisor of batch.global (8), got 3"));
}

struct Wrong {
  const char* assignment;
  const char* message;
};

TEST_F(TrainConfigFile, ValuesThatCannotBeAreNamed) {
  const Wrong cases[] = {
      {"output=\"\"", "output: expected a folder for the run, got none"},
      {"model.start=\"\"", "model.start: expected a checkpoint folder to start from, got none"},
      {"data.train=\"\"", "data.train: expected annotations or a data list, got none"},
      {"model.dtype=float16",
       "model.dtype: expected bfloat16 or float32, got 'float16' (did you mean bfloat16?)"},
      {"data.captions=all", "data.captions: expected flatten, flatten_unique or random_choice, got 'all'"},
      {"data.labels=x", "data.labels: expected reference or caption_only, got 'x'"},
      {"data.unreadable=x", "data.unreadable: expected error or skip, got 'x'"},
      {"optimizer.schedule=x", "optimizer.schedule: expected cosine or constant, got 'x'"},
      {"evaluation.metric=bleu",
       "evaluation.metric: expected s_star_m, loss, change_accuracy, bleu_4, meteor, rouge_l or cider_d, got "
       "'bleu'"},
      {"data.captions=flaten",
       "data.captions: expected flatten, flatten_unique or random_choice, got 'flaten' (did you mean "
       "flatten?)"},
      {"model.dtype=bfloat",
       "model.dtype: expected bfloat16 or float32, got 'bfloat' (did you mean bfloat16?)"},
      {"evaluation.generation.beams=0", "evaluation.generation.beams: expected 1 to 1024, got 0"},
      {"batch.micro=0", "batch.micro: expected at least 1, got 0"},
      {"batch.micro=7", "batch.micro: expected a divisor of batch.global (64), got 7"},
      {"batch.global=65", "batch.global: expected a multiple of batch.micro (8), got 65"},
      {"batch.global=0", "batch.global: expected at least 1, got 0"},
      {"batch.epochs=-1", "batch.epochs: expected at least 0, got -1"},
      {"batch.max_steps=-1", "batch.max_steps: expected at least 0, got -1"},
      {"optimizer.learning_rate=0", "optimizer.learning_rate: expected above 0, got 0"},
      {"optimizer.learning_rate=.nan", "optimizer.learning_rate: expected above 0, got nan"},
      {"optimizer.warmup_ratio=1", "optimizer.warmup_ratio: expected 0 to below 1, got 1"},
      {"optimizer.clip_norm=-1", "optimizer.clip_norm: expected at least 0, got -1"},
      {"optimizer.beta1=1", "optimizer.beta1: expected 0 to below 1, got 1"},
      {"optimizer.beta2=-0.1", "optimizer.beta2: expected 0 to below 1, got -0.1"},
      {"optimizer.eps=0", "optimizer.eps: expected above 0, got 0"},
      {"loss.caption=0", "loss: expected at least one weight above 0, got none"},
      {"loss.mask=-1", "loss.mask: expected at least 0, got -1"},
      {"loss.class_count=0", "loss.class_count: expected 1 to 255, got 0"},
      {"distributed.zero=4", "distributed.zero: expected 0 to 3, got 4"},
      {"distributed.bucket_mb=0", "distributed.bucket_mb: expected above 0, got 0"},
      {"distributed.timeout_seconds=0", "distributed.timeout_seconds: expected above 0, got 0"},
      {"checkpoint.every_steps=-1", "checkpoint.every_steps: expected at least 0, got -1"},
      {"checkpoint.keep_last=0", "checkpoint.keep_last: expected at least 1, got 0"},
      {"checkpoint.layout=hf", "checkpoint.layout: expected lmms or llava-hf, got 'hf'"},
      {"checkpoint.layout=llava-hf",
       "checkpoint.layout: expected lmms, as transformers has no class for a Diff Expert or for images "
       "without image_newline, got llava-hf"},
      {"model.image_newline=false",
       "model.image_newline: expected true, as nothing follows an image's tokens if model.diff_expert is "
       "true, got false"},
      {"data.workers=-1", "data.workers: expected 0 to 1024 threads, got -1"},
      {"data.prefetch=0", "data.prefetch: expected at least 1, got 0"},
      {"data.cache_gb=-1", "data.cache_gb: expected at least 0, got -1"},
      {"data.max_tokens=0", "data.max_tokens: expected at least 1, got 0"},
      {"evaluation.batch_size=0", "evaluation.batch_size: expected at least 1, got 0"},
      {"evaluation.every_steps=-1", "evaluation.every_steps: expected at least 0, got -1"},
      {"evaluation.max_pairs=-1", "evaluation.max_pairs: expected at least 0, got -1"},
      {"evaluation.samples=-1", "evaluation.samples: expected at least 0, got -1"},
      {"threads=-1", "threads: expected 0 to 1024 threads, got -1"},
      {"threads=1000000000", "threads: expected 0 to 1024 threads, got 1000000000"},
      {"distributed.stop_seconds=0", "distributed.stop_seconds: expected above 0, got 0"},
      {"optimizer.parameters=[{lr_factor: 0, weight_decay: 1}]",
       "optimizer.parameters[0].weight_decay: expected 0, as lr_factor is 0, got 1"},
      {"model.per_expert_depth=-1", "model.per_expert_depth: expected at least 0, got -1"}};
  for (const auto& wrong : cases) {
    const std::string assignment = wrong.assignment, message = wrong.message;
    const auto key = assignment.substr(0, assignment.find('=')) + ": ";
    EXPECT_EQ(
        refusal("", {assignment}),
        "override " + assignment + ": " + (message.starts_with(key) ? message.substr(key.size()) : message));
    TrainConfig config;
    EXPECT_THAT(test::error_of([&] { config.validate(); }), HasSubstr("output: "));  // no file, no line
  }
  EXPECT_EQ(refusal("", {"batch.epochs=0"}), "no error");
  EXPECT_EQ(refusal("", {"loss.caption=0", "loss.mask=1"}), "no error");
}

TEST_F(TrainConfigFile, OverridesStandOverTheFile) {
  const auto config = small(
      "batch: {global: 16, micro: 4}\n",
      {"batch.global=32", "name=other", "model.vision_layers=[-4, -2]", "evaluation.generation.beams=2"});
  EXPECT_EQ(config.batch.global, 32);
  EXPECT_EQ(config.batch.micro, 4);
  EXPECT_EQ(config.name, "other");
  EXPECT_THAT(config.model.vision_layers, ElementsAre(-4, -2));
  EXPECT_EQ(config.evaluation.generation.beams, 2);
  EXPECT_THAT(refusal("", {"batch.globl=3"}), HasSubstr("batch.globl"));
  EXPECT_THAT(refusal("", {"batch.micro=few"}),
              HasSubstr("override batch.micro=few: expected an integer, got 'few'"));
}

TEST_F(TrainConfigFile, KeysWithoutEffectAreRefused) {
  const auto no_expert = "model.diff_expert=false";
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{no_expert, "model.vision_layers=[-3, -2]"}, "[], as model.diff_expert is false, got [-3, -2]"},
      {{no_expert, "model.per_expert_depth=2"}, "0, as model.diff_expert is false, got 2"},
      {{no_expert, "model.flag_init_std=1"}, "0.02, as model.diff_expert is false, got 1"},
      {{no_expert, "model.init_std=1"}, "0.02, as model.fresh and model.diff_expert are false, got 1"},
      {{"data.workers=0", "data.prefetch=7"}, "4, as data.workers is 0, got 7"},
      {{"loss.mask=1", "loss.class_count=3"}, "7, as loss.classes and loss.tokens are 0, got 3"},
      {{"data.validation=''", "objective=self_critical", "data.labels=caption_only"},
       "'reference', as objective is self_critical and data.validation names no pairs, got 'caption_only'"},
      {{"data.validation=''", "evaluation.metric=rouge_l"},
       "'loss', as data.validation names no pairs, got 'rouge_l'"},
      {{"data.validation=''", "evaluation.every_epoch=false"},
       "true, as data.validation names no pairs, got false"},
      {{"data.validation=''", "evaluation.generation.beams=2"},
       "nothing, as data.validation names no pairs, got 2"},
      {{"evaluation.samples=0", "evaluation.generation.beams=2"},
       "nothing, as evaluation.metric is loss and evaluation.samples is 0, got 2"},
      {{"evaluation.generation.seed=1"}, "42, as evaluation.generation does not sample, got 1"}};
  for (const auto& [overrides, expected] : cases)
    EXPECT_EQ(refusal("", overrides), "override " + overrides.back() + ": expected " + expected);
  EXPECT_EQ(refusal("", {no_expert, "model.fresh=true", "model.init_std=1"}), "no error");
  EXPECT_EQ(refusal("", {"evaluation.samples=0", "evaluation.metric=rouge_l", "evaluation.generation.beams=2",
                         "evaluation.generation.length_penalty=2"}),
            "no error");
  EXPECT_THAT(test::error_of([&] {
                auto config = small();
                config.loss.class_count = 3;
                config.validate();
              }),
              HasSubstr("loss.class_count: expected 7, as"));
}

TEST_F(TrainConfigFile, WhatIsSaidForAllStagesNeedsAnEffectInOne) {
  const auto base_stage = "stages:\n  - model: {diff_expert: false}\n";
  const auto common = "optimizer: {}\nloss: {class_count: 3}\n";
  const auto stages = read(std::string(kSmall) + common + base_stage + "  - loss: {classes: 1}\n",
                           {"model.vision_layers=[-3]", "model.init_std=0.5"});
  EXPECT_EQ(stages[0].loss.class_count, 7);
  EXPECT_EQ(stages[1].loss.class_count, 3);
  EXPECT_TRUE(stages[0].model.vision_layers.empty());
  EXPECT_THAT(stages[1].model.vision_layers, ElementsAre(-3));
  EXPECT_EQ(stages[0].model.init_std, 0.02);
  EXPECT_EQ(stages[1].model.init_std, 0.5);
  EXPECT_EQ(refusal(std::string(common) + base_stage + "  - loss: {mask: 1}\n"),
            "run.yaml:7: loss.class_count: expected 7, as loss.classes and loss.tokens are 0, got 3");
  EXPECT_EQ(refusal("stages:\n  - loss: {class_count: 3}\n  - loss: {classes: 1, class_count: 3}\n"),
            "run.yaml:7: loss.class_count: expected 7, as loss.classes and loss.tokens are 0, got 3");
}

TEST_F(TrainConfigFile, FreshWeightsOfALaterStageAreItsOwn) {
  const std::string stages = "seed: 1\nstages:\n  - {name: a}\n";
  EXPECT_FALSE(read(kSmall + stages + "  - {name: b}\n", {"model.fresh=true"})[1].model.fresh);
  EXPECT_TRUE(read(kSmall + stages + "  - {name: b, model: {fresh: true}}\n")[1].model.fresh);
  // A stage that continues from one with a Diff Expert draws no weights.
  EXPECT_EQ(read(kSmall + stages + "  - {name: b}\n", {"model.init_std=0.5"})[1].model.init_std, 0.02);
  // One that continues from one without an image newline has none to leave out.
  const auto flat =
      read(kSmall + stages + "  - {name: b}\n", {"model.diff_expert=false", "model.image_newline=false"});
  EXPECT_FALSE(flat[0].model.image_newline);
  EXPECT_TRUE(flat[1].model.image_newline);
}

TEST_F(TrainConfigFile, AnAdapterForAllStagesIsThatOfTheFirstWithLora) {
  const std::string common = "lora: {start: adapter}\nstages:\n", plain = "  - {name: a}\n";
  const auto starts = [&](const std::string& stages) {
    std::vector<std::string> all;
    for (const auto& stage : read(kSmall + common + stages)) all.push_back(stage.lora.start);
    return all;
  };
  const std::string with = "  - {name: b, lora: {rank: 4}}\n", again = "  - {name: c, lora: {rank: 4}}\n";
  EXPECT_THAT(starts(plain + with + again), ElementsAre("", "adapter", ""));
  EXPECT_THAT(starts(with + plain + again), ElementsAre("adapter", "", ""));
  EXPECT_THAT(refusal(common + plain + "  - {name: b}\n"),
              HasSubstr("lora.start: expected '', as lora.rank is 0, got 'adapter'"));
}

constexpr const char* kStages = R"(output: runs/x
model: {start: base, dtype: float32}
data: {train: train.json}
batch: {global: 8, micro: 4}
stages:
  - name: first
    optimizer: {learning_rate: 1e-3}
  - batch: {micro: 2}
  - name: third
    model: {start: elsewhere}
    data: {train: other.json}
)";

TEST_F(TrainConfigFile, StagesStartFromTheBestOfTheOneBefore) {
  const auto stages = read(kStages);
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[0].output, "runs/x/first");
  EXPECT_EQ(stages[0].model.start, "base");
  EXPECT_EQ(stages[1].name, "stage2");
  EXPECT_EQ(stages[1].output, "runs/x/stage2");
  EXPECT_EQ(stages[1].model.start, "runs/x/first/best");
  EXPECT_EQ(stages[2].model.start, "elsewhere");
}

TEST_F(TrainConfigFile, StagesStartFromTheLastOfTheOneBeforeWhereAsked) {
  const auto own = read(std::string(kStages) + "  - {name: fourth, start_from: last}\n");
  EXPECT_EQ(own[1].model.start, "runs/x/first/best");
  EXPECT_EQ(own[3].model.start, "runs/x/third/last");
  const auto all =
      read(std::string("start_from: last\n") + kStages + "  - {name: fourth, start_from: best}\n");
  EXPECT_EQ(all[0].model.start, "base");
  EXPECT_EQ(all[1].model.start, "runs/x/first/last");
  EXPECT_EQ(all[2].model.start, "elsewhere");
  EXPECT_EQ(all[3].model.start, "runs/x/third/best");
  EXPECT_EQ(read(kStages, {"start_from=last"})[1].model.start, "runs/x/first/last");
  // The key is not part of a stage's config, which has the folder.
  EXPECT_THAT(to_yaml_text(all[1]), ::testing::Not(HasSubstr("start_from")));
}

TEST_F(TrainConfigFile, AStartFromThatChangesNothingIsRefused) {
  const std::string expected = "start_from: expected a stage that starts from the one before, got ";
  EXPECT_EQ(refusal("start_from: last\n"), "run.yaml:6: " + expected + "none");
  EXPECT_EQ(refusal("start_from: last\nstages: [{name: a}]\n"), "run.yaml:6: " + expected + "none");
  EXPECT_EQ(refusal("", {"start_from=last"}),
            "override start_from=last: expected a stage that starts from the one before, got none");
  EXPECT_EQ(refusal("stages:\n  - {name: a, start_from: best}\n  - {name: b}\n"),
            "run.yaml:7: " + expected + "the first stage");
  EXPECT_EQ(refusal("stages:\n  - {name: a}\n  - {name: b, model: {start: c}, start_from: best}\n"),
            "run.yaml:8: " + expected + "one with model.start");
  EXPECT_EQ(refusal("stages:\n  - {name: a}\n  - {name: b, start_from: lst}\n"),
            "run.yaml:8: start_from: expected best or last, got 'lst' (did you mean last?)");
}

TEST_F(TrainConfigFile, StagesMergeSectionsAndLeaveOneAnotherAlone) {
  const auto stages = read(kStages, {"seed=7"});
  EXPECT_EQ(stages[0].optimizer.learning_rate, 1e-3);
  EXPECT_EQ(stages[1].optimizer.learning_rate, OptimizerSection{}.learning_rate);
  EXPECT_EQ(stages[0].batch.micro, 4);
  EXPECT_EQ(stages[1].batch.micro, 2);
  EXPECT_EQ(stages[1].batch.global, 8);
  EXPECT_EQ(stages[2].model.dtype, Precision::kFloat32);
  EXPECT_EQ(stages[2].data.train, "other.json");
  EXPECT_EQ(stages[0].data.train, "train.json");
  for (const auto& stage : stages) EXPECT_EQ(stage.seed, 7);
}

TEST_F(TrainConfigFile, OverridesHoldForEveryStageWithoutMixingThem) {
  const auto stages = read(kStages, {"batch.micro=1", "optimizer.eps=1e-6"});
  for (const auto& stage : stages) {
    EXPECT_EQ(stage.batch.micro, 1);
    EXPECT_EQ(stage.optimizer.eps, 1e-6);
  }
  EXPECT_EQ(stages[1].optimizer.learning_rate, OptimizerSection{}.learning_rate);
}

TEST_F(TrainConfigFile, StagesOfOneNameAreRefused) {
  EXPECT_THAT(refusal("stages: [{name: a}, {name: a}]\n"),
              HasSubstr("run.yaml:6: stages: expected a different name for each stage, got 'a' twice"));
}

TEST_F(TrainConfigFile, StagesMustBeAList) {
  EXPECT_THAT(refusal("stages: 3\n"), HasSubstr("run.yaml:6: stages: expected a list of sections, got"));
  EXPECT_THAT(refusal("stages: []\n"), HasSubstr("run.yaml:6: stages: expected a list of sections"));
  EXPECT_THAT(refusal("stages: [3]\n"),
              HasSubstr("run.yaml:6: stages: expected sections with keys, got '3'"));
  EXPECT_THAT(refusal("stages:\n  - batch: {globl: 3}\n"), HasSubstr("run.yaml:7: batch.globl"));
}

TEST_F(TrainConfigFile, YamlOfAConfigReadsBackTheSame) {
  auto config = small("", {"optimizer.learning_rate=1.1e-7", "name='a: \"b\" #c'",
                           "model.vision_layers=[-5, -3]", "data.question='was?'"});
  config.optimizer.parameters.push_back({"x.*", 1.0 / 3.0, 0.1});
  const auto text = to_yaml_text(config);
  const auto back = read(text).front();
  EXPECT_EQ(to_yaml_text(back), text);
  EXPECT_EQ(back.name, config.name);
  EXPECT_EQ(back.optimizer.learning_rate, config.optimizer.learning_rate);
  EXPECT_EQ(back.optimizer.parameters[1].lr_factor, 1.0 / 3.0);
  EXPECT_EQ(back.model.vision_layers, config.model.vision_layers);
  EXPECT_EQ(back.evaluation.every_epoch, config.evaluation.every_epoch);
}

}  // namespace
}  // namespace ccexpert::train
