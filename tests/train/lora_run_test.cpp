// Runs that train low-rank products: their losses, checkpoints, adapters and refusals.
#include "train/lora_run.h"

#include <gmock/gmock.h>

#include <ccexpert/model/weight_layouts.h>

#include "support/errors.h"
#include "support/ranks.h"
#include "train/resume.h"
#include "train/run_model.h"
#include "train/same_start.h"
#include "train/shared/average.h"
#include "train/shared/export.h"
#include "train/shared/plan.h"
#include "train/tiny_base.h"
#include "train/trainer_fixture.h"
#include "train/training_step.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const char* const kTarget = "model.layers.0.self_attn.q_proj";

class LoraRun : public TrainerTest {
 protected:
  LoraRun() {
    config_.lora.rank = 4;
    config_.lora.alpha = 8;
    config_.optimizer.learning_rate = 1e-2;
  }

  fs::path end(const std::string& run, int64_t step = 6) const {
    return RunFolder(folder_ / run).checkpoint(step);
  }
  static std::map<std::string, at::Tensor> weights_in(const fs::path& folder) {
    return test::weights_of(*test_model(folder));
  }
  static std::shared_ptr<model::CcexpertModel> test_model(const fs::path& folder) {
    const auto checkpoint = model::open_model_checkpoint(folder);
    return model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                              *checkpoint.weights, {});
  }
  static at::Tensor logits(const model::CcexpertModel& model) {
    const at::NoGradGuard no_grad;
    const auto batch = test::tiny_batch({1, 2});
    const auto images = model.encode_images(batch.pixels);
    return model.decoder().logits(
        model.decoder().forward(model.splice({batch.ids[0]}, images.tokens.slice(0, 0, 2)).embeddings));
  }
  std::string refusal(const TrainConfig& config) {
    return test::error_of([&] { train(config); });
  }
};

TEST_F(LoraRun, TheLossFallsAndTheBaseStays) {
  config_.batch.max_steps = 20;
  config_.checkpoint.every_steps = 0;
  const auto losses = whole();
  EXPECT_LT(losses.back(), 0.9 * losses.front());
  const auto base = model::open_plain_checkpoint(end("whole", 20));
  const auto start = model::open_plain_checkpoint(test::tiny_folder());
  for (const auto& [name, tensor] : test::weights_of(*test::tiny_model()))
    EXPECT_TRUE(at::equal(base.weights->tensor(name), start.weights->tensor(name).to(at::kFloat))) << name;
}

TEST_F(LoraRun, ItsFilesAreThoseOfPeft) {
  whole();
  const auto config = json::parse(read_file(end("whole") / "adapter_config.json"));
  EXPECT_EQ(config["r"], 4);
  EXPECT_EQ(config["lora_alpha"], 8);
  EXPECT_EQ(config["target_modules"].size(), 14U);
  EXPECT_EQ(config["base_model_name_or_path"], test::tiny_folder().string());
  const auto adapter = model::open_adapter(end("whole"));
  EXPECT_EQ(adapter.layers.size(), 14U);
  for (const auto& layer : adapter.layers) EXPECT_GT(layer.b.abs().max().item<double>(), 0.0) << layer.name;
  EXPECT_THAT(read_file(end("whole") / "manifest.json"), HasSubstr("adapter_model.safetensors"));
}

TEST_F(LoraRun, OtherParametersTrainBesideIt) {
  config_.optimizer.parameters = {{.pattern = "model.vision_resampler.*"}};
  config_.lora.targets = {"mm_projector.0", R"(model\.layers\..*)"};
  whole();
  const auto end_weights = model::open_plain_checkpoint(end("whole"));
  int changed = 0;
  for (const auto& [name, tensor] : test::weights_of(*test::tiny_model())) {
    const bool same = at::equal(end_weights.weights->tensor(name), tensor);
    const bool trains = name.starts_with("model.vision_resampler.");
    EXPECT_TRUE(same || trains) << name;
    changed += static_cast<int>(!same);
  }
  EXPECT_GT(changed, 10);
  const auto config = json::parse(read_file(end("whole") / "adapter_config.json"));
  EXPECT_EQ(config["base_model_name_or_path"], end("whole").string());
}

TEST_F(LoraRun, AFreshDiffExpertNeedsARule) {
  const auto text =
      "optimizer.parameters: expected a rule that trains the fresh Diff Expert, got only the products of "
      "LoRA (add {pattern: \"model.vision_resampler.*\"})";
  const auto refused = [&] { return test::error_of([&] { start_run_model(config_, at::kCPU); }); };
  config_.model.fresh = true;
  EXPECT_EQ(refused(), text);
  config_.optimizer.parameters = {{.pattern = "model.vision_resampler.*"}};
  EXPECT_EQ(refused(), "no error");
  config_.optimizer.parameters = {{}};
  config_.lora.targets = {"all-linear"};
  EXPECT_EQ(refused(), "no error");
}

TEST_F(LoraRun, AFreshDiffExpertTrainsBesideItOnABase) {
  test::write_base(folder_ / "base");
  config_.model.start = (folder_ / "base").string();
  config_.model.vision_layers = {-5, -4, -3, -2};
  EXPECT_THAT(refusal(config_),
              StartsWith("optimizer.parameters: expected a rule that trains the fresh Diff Expert"));
  config_.optimizer.parameters = {{.pattern = "model.vision_resampler.*"}};
  const auto drawn = test::weights_of(*start_run_model(config_, at::kCPU).model);
  whole();
  const auto saved = model::open_plain_checkpoint(end("whole"));
  int changed = 0;
  for (const auto& [name, tensor] : drawn) {
    const bool same = at::equal(saved.weights->tensor(name), tensor);
    EXPECT_TRUE(same || name.starts_with("model.vision_resampler.")) << name;
    changed += static_cast<int>(!same);
  }
  EXPECT_GT(changed, 10);
  // The start lacks the Diff Expert, so that the adapter belongs to the checkpoint.
  const auto config = json::parse(read_file(end("whole") / "adapter_config.json"));
  EXPECT_EQ(config["base_model_name_or_path"], end("whole").string());
  fs::rename(folder_ / "base", folder_ / "moved");
  EXPECT_TRUE(test_model(end("whole"))->diff_expert() != nullptr);
}

TEST_F(LoraRun, ItsBaseIsTheStartOnlyIfThatIsUnchanged) {
  const auto base = [&] { return start_run_model(config_, at::kCPU).adapter_base; };
  EXPECT_EQ(base(), test::tiny_folder().string());
  config_.model.start = fs::relative(test::tiny_folder()).string();
  EXPECT_TRUE(fs::path(base()).is_absolute());
  EXPECT_TRUE(fs::equivalent(base(), test::tiny_folder()));
  config_.model.image_size = 98;
  EXPECT_EQ(base(), "");
  config_.model.image_size = 0;
  config_.batch.max_steps = 2;
  whole();
  config_.model.start = end("whole", 2).string();  // with an adapter, which is merged
  train(named("next"));
  const auto config = json::parse(read_file(end("next", 2) / "adapter_config.json"));
  EXPECT_EQ(config["base_model_name_or_path"], end("next", 2).string());
}

TEST_F(LoraRun, ResumedEqualsUninterrupted) {
  for (const auto dtype : {Precision::kFloat32, Precision::kBfloat16}) {
    config_.model.dtype = dtype;
    fs::remove_all(folder_ / "whole");
    fs::remove_all(folder_ / "cut");
    whole();
    const auto config = named("cut");
    train(config);
    fs::remove_all(RunFolder(config.output).checkpoint(6));
    EXPECT_EQ(train(config).caption_losses.size(), 2U);
    EXPECT_THAT(files("cut", 6), ::testing::Contains(::testing::Key("adapter_model.safetensors")));
    expect_same_end("cut");
    const auto text = [&](const char* run) { return read_file(end(run) / "adapter_config.json"); };
    EXPECT_EQ(text("cut"), text("whole"));
  }
}

TEST_F(LoraRun, RecomputedBlocksGiveTheSameLosses) {
  config_.lora.targets = {"all-linear"};
  const auto plain = whole();
  auto config = named("recomputed");
  config.model.recompute = !config.model.recompute;
  const auto losses = train(config).caption_losses;
  ASSERT_EQ(losses.size(), plain.size());
  for (size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], plain[i], 1e-4 * plain[i]) << i;
}

TEST_F(LoraRun, ReadersMergeTheAdapterOfACheckpoint) {
  whole();
  const auto merged = test_model(end("whole"));
  auto apart = model::build_model(test::tiny_model()->config(),
                                  *model::open_plain_checkpoint(end("whole")).weights, {});
  const auto base = logits(*apart);
  const auto layers = model::attach_adapter(*apart, model::open_adapter(end("whole")));
  EXPECT_TRUE(test::close(logits(*merged), logits(*apart), test::kGradient));
  EXPECT_FALSE(test::close(logits(*merged), base, test::kGradient)) << "otherwise the test shows nothing";
}

TEST_F(LoraRun, ExportWritesTheMergedModel) {
  whole();
  const auto merged = folder_ / "merged", other = folder_ / "other";
  export_model({.from = end("whole"), .to = merged, .dtype = Precision::kFloat32});
  EXPECT_FALSE(is_there(merged / "adapter_config.json"));
  EXPECT_TRUE(test::same_weights(weights_in(merged), weights_in(end("whole"))));
  // The adapter alone, on the start.
  const auto adapter = folder_ / "adapter";
  fs::create_directory(adapter);
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
    fs::copy_file(end("whole") / file, adapter / file);
  export_model({.from = test::tiny_folder(), .to = other, .dtype = Precision::kFloat32, .adapter = adapter});
  EXPECT_TRUE(test::same_weights(weights_in(other), weights_in(merged)));
  EXPECT_THAT(test::error_of([&] { export_model({.from = end("whole"), .to = other, .adapter = adapter}); }),
              HasSubstr("expected a model without an adapter of its own"));
  // Readers of that folder would merge the adapter into what is written there.
  EXPECT_EQ(test::error_of([&] { export_model({.from = folder_ / "gone", .to = adapter}); }),
            adapter.string() +
                ": expected a folder without a LoRA adapter, which would be merged into the model, got one "
                "with it");
}

TEST_F(LoraRun, AnAverageOfUnmergedWeightsIsRefused) {
  whole();
  EXPECT_EQ(test::error_of([&] { average_checkpoints({.from = {end("whole")}, .to = folder_ / "average"}); }),
            end("whole").string() +
                ": expected weights without an adapter beside them, got a LoRA adapter (merge it first, with "
                "ccexpert-train --export)");
}

TEST_F(LoraRun, ANextStageStartsFromTheMergedModel) {
  whole();
  auto config = named("next");
  config.lora = {};
  config.model.start = end("whole").string();
  const auto run = start_run_model(config, at::kCPU);
  EXPECT_THAT(run.lora, IsEmpty());
  EXPECT_TRUE(test::same_weights(test::weights_of(*run.model), weights_in(end("whole"))));
}

TEST_F(LoraRun, GoesOnFromAnAdapter) {
  config_.batch.max_steps = 20;
  config_.checkpoint.every_steps = 0;
  const auto losses = whole();
  auto config = named("more");
  config.lora.start = end("whole", 20).string();
  config.batch.max_steps = 2;
  EXPECT_LT(train(config).caption_losses.front(), 0.95 * losses.front());
  const auto refused = [&](auto change) {
    auto other = config;
    other.output = (folder_ / "refused").string();
    change(other.lora);
    return refusal(other);
  };
  const auto in = "as the adapter in " + config.lora.start + " has, got ";
  EXPECT_EQ(refused([](auto& lora) { lora.rank = 8; }), "lora.rank: expected 4, " + in + "8");
  EXPECT_EQ(refused([](auto& lora) { lora.alpha = 4; }), "lora.alpha: expected 8, " + in + "4");
  EXPECT_EQ(refused([](auto& lora) { lora.rslora = true; }), "lora.rslora: expected false, " + in + "true");
  EXPECT_THAT(refused([](auto& lora) { lora.targets = {kTarget}; }),
              HasSubstr("lora.targets: expected the matrices of the adapter in "));
}

TEST_F(LoraRun, RulesOnItsMatricesAreRefused) {
  config_.optimizer.parameters = {{.pattern = "model.layers.*"}};
  EXPECT_THAT(
      refusal(named("run")),
      HasSubstr("optimizer.parameters: expected rules on parameters without a LoRA product, got one that "
                "trains model.layers.0."));
  config_.optimizer.parameters = {{.pattern = "model.layers.*.bias"}};
  EXPECT_EQ(refusal(named("run")), "no error");
}

TEST_F(LoraRun, AnotherSizeNeedsAnotherOutput) {
  train(named("run"));
  const auto began = ", as the run in " + named("run").output + " began, got ";
  auto config = named("run");
  config.lora.alpha = 4;
  EXPECT_EQ(refusal(config), "lora.alpha: expected '8'" + began + "'4' (another value needs another output)");
  config = named("run");
  config.lora.targets = {kTarget};
  EXPECT_EQ(refusal(config), "lora.targets[0]: expected nothing" + began + "'" + kTarget +
                                 "' (another value needs another output)");
}

TEST_F(LoraRun, ARunOfAnEarlierVersionGoesOn) {
  EXPECT_THAT(config_changes("seed: 42\n", "seed: 42\nlora: {rank: 0, alpha: 16}\n"), IsEmpty());
  EXPECT_EQ(config_changes("seed: 42\n", "seed: 42\nlora: {rank: 8}\n").size(), 1U);
}

TEST_F(LoraRun, TheLogNamesSizeAndCounts) {
  train(named("run"));
  std::vector<std::string> notes;
  for (const auto& line : log_of("run", "note")) notes.push_back(line.at("text"));
  EXPECT_THAT(notes,
              ::testing::Contains(StartsWith("LoRA: rank 4, alpha 8 on 14 matrices, 0.01 M parameters")));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr(": 0.01 of ")));
}

TEST_F(LoraRun, ThePlanCountsOnlyItsState) {
  const auto plan = plan_of(config_, 1);
  const auto& part = plan.parts.back();
  EXPECT_EQ(part.name, "LoRA");
  // q and o 64 to 64, k and v 64 to 32, gate and up 64 to 128, down back; two blocks.
  constexpr int64_t kElements = 2 * 4 * (2 * 128 + 2 * 96 + 3 * 192);
  EXPECT_EQ(part.trained, kElements);
  for (const auto& each : plan.parts) EXPECT_TRUE(&each == &part || each.trained == 0) << each.name;
  EXPECT_DOUBLE_EQ(plan.memory.optimizer, 2.0 * 4.0 * kElements);
  config_.lora = {};
  const auto whole = plan_of(config_, 1);
  EXPECT_LT(plan.flops, 0.8 * whole.flops);
  EXPECT_LT(plan.memory.gradients + plan.memory.optimizer,
            0.1 * (whole.memory.gradients + whole.memory.optimizer));
}

TEST_F(LoraRun, ThePlanOffersNoStageThatIsRefused) {
  config_.device = "cuda";
  EXPECT_EQ(plan_of(config_, 2).choices.size(), 4U);
  config_.lora.int8_base = true;
  EXPECT_EQ(plan_of(config_, 2).choices.size(), 3U);
  config_.lora = {};
  EXPECT_EQ(plan_of(config_, 2).choices.size(), 4U);
  config_.objective = StageObjective::kSelfCritical;
  EXPECT_EQ(plan_of(config_, 2).choices.size(), 3U);
}

TEST_F(LoraRun, ValuesWithoutAMeaningAreRefused) {
  const auto refused = [&](auto change) {
    auto config = named("run");
    change(config.lora);
    return test::error_of([&] { config.validate(); });
  };
  EXPECT_EQ(refused([](auto& lora) { lora.dropout = 0.1; }),
            "lora.dropout: expected 0, as a resumed run, a recomputed block and another number of ranks must "
            "give the same values, got 0.1");
  EXPECT_EQ(refused([](auto& lora) { lora.rank = 0; }), "lora.alpha: expected 16, as lora.rank is 0, got 8");
  EXPECT_THAT(refused([](auto& lora) { lora.rank = -1; }),
              HasSubstr("lora.rank: expected 0 to 4096, got -1"));
  auto config = named("run");
  config.distributed.zero = 3;
  EXPECT_EQ(test::error_of([&] { config.validate(); }), "no error");
  config.lora.int8_base = true;
  EXPECT_THAT(test::error_of([&] { config.validate(); }),
              HasSubstr("distributed.zero: expected 0 to 2 with lora.int8_base"));
  config_.lora.targets = {"q_prj"};
  EXPECT_THAT(refusal(named("run")), StartsWith("LoRA target 'q_prj': expected matrices of the model"));
}

/// Trains three steps of two micro-batches and returns A and B of all layers.
std::map<std::string, at::Tensor> trained(distributed::Communicator& all, int zero) {
  const auto model = test::tiny_model();
  TrainConfig config;
  config.lora.rank = 4;
  config.lora.alpha = 8;
  config.lora.targets = {"all-linear"};
  config.optimizer.parameters = {{.pattern = "model.vision_resampler.*bias"}};
  const auto lora = start_lora(*model, config, {});
  ShardedAdamW optimizer(model_parameters(*model, lora, config),
                         {.eps = 1e-3, .zero = zero, .bucket_elements = 5'000}, all);
  TrainingStep step(*model, optimizer, all);
  const int64_t own = all.size() == 1 ? 2 : 1;
  for (int64_t i = 0; i < 3; ++i) {
    int64_t next = 4 * i + 2 * all.rank();
    const auto batch = [&] {
      next += 2;
      return test::tiny_batch({next - 2, next - 1});
    };
    step.run(batch, {.own = own, .rounds = own, .total = 2}, 1e-3);
  }
  std::map<std::string, at::Tensor> tensors;
  for (const auto& each : model::lora_parameters(lora)) tensors[each.name] = each.tensor.detach().clone();
  return tensors;
}

TEST(LoraRanks, TwoGiveTheAdapterOfOne) {
  test::in_ranks(2, [](int) {
    const auto alone = distributed::single_process();
    const auto all = test::join_ranks();
    const auto expected = trained(*alone, 2);
    for (const int zero : {0, 2})
      EXPECT_TRUE(test::same_weights(trained(*all, zero), expected, {2e-5, 1e-4})) << zero;
    for (const auto& [name, tensor] : expected) EXPECT_GT(tensor.abs().max().item<double>(), 0.0) << name;
  });
}

/// Returns A and B of the adapter of a checkpoint.
std::map<std::string, at::Tensor> adapter_in(const fs::path& checkpoint) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& layer : model::open_adapter(checkpoint).layers) {
    tensors[layer.name + ".a"] = layer.a.clone();
    tensors[layer.name + ".b"] = layer.b.clone();
  }
  return tensors;
}

/// The base's blocks are shards and gathered for a pass, A and B are shards outside of blocks.
void train_in_shards(int rank, distributed::Communicator& all, bool recompute) {
  const test::TemporaryFolder own;
  const auto pairs = all.gather_text(rank == 0 ? test::write_pairs(own, 5).string() : std::string())[0];
  auto config = test::tiny_config(own, pairs);
  config.lora.rank = 4;
  config.lora.alpha = 8;
  config.optimizer.learning_rate = 1e-2;
  config.batch.max_steps = 4;
  config.distributed.zero = 3;
  config.model.recompute = recompute;
  config.output = (test::shared_folder() / fmt::format("shards-{}", recompute)).string();
  const auto last = RunFolder(config.output).checkpoint(4);
  const auto losses = train(config, all, at::kCPU, {}).caption_losses;
  const auto adapter = adapter_in(last);
  auto alone = config;
  alone.output = (own / "alone").string();
  alone.distributed.zero = 2;
  const auto expected = train(alone, *distributed::single_process(), at::kCPU, {}).caption_losses;
  ASSERT_EQ(losses.size(), expected.size());
  for (size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 1e-4 * expected[i]) << i;
  EXPECT_TRUE(test::same_weights(adapter, adapter_in(RunFolder(alone.output).checkpoint(4)), {1e-4, 1e-3}));
  all.barrier();
  if (rank == 0) fs::remove_all(last);
  all.barrier();
  EXPECT_EQ(train(config, all, at::kCPU, {}).caption_losses.size(), 2U);
  EXPECT_TRUE(test::same_weights(adapter_in(last), adapter)) << "after a restart";
  all.barrier();
}

TEST(LoraRanks, ShardsOfTheBaseGiveTheAdapterOfOne) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    for (const bool recompute : {false, true}) train_in_shards(rank, *all, recompute);
  });
}

TEST(LoraRanks, AnotherStartOnOneRankIsNamed) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder folder;
    auto config = test::tiny_config(folder, test::write_pairs(folder, 2));
    config.lora.rank = 4;
    const auto run = start_run_model(config, at::kCPU);
    const at::NoGradGuard no_grad;
    if (rank == 1) run.lora.front().product->b.add_(1.0);
    EXPECT_EQ(test::error_of([&] {
                expect_same_start({run, {}, {}}, *all);
              }),
              "rank 1: model.start: expected what rank 0 starts from, got another "
              "model.layers.0.self_attn.q_proj.lora_B.weight");
  });
}

}  // namespace
}  // namespace ccexpert::train
