// Weights in shards (ZeRO stage 3): several ranks train and evaluate what one process does, and hold no more
// than their share and two blocks.
#include "train/weight_shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/fresh_memory.h"
#include "support/ranks.h"
#include "train/run_folder.h"
#include "train/run_model.h"
#include "train/shared/plan.h"
#include "train/trainee.h"
#include "train/trainer.h"
#include "train/training_state.h"

namespace ccexpert::train {
namespace {

using distributed::Communicator;
using test::Trainee;

class WeightShardsTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, WeightShardsTest, ::testing::Values(2, 3, 4),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

TEST_P(WeightShardsTest, TrainWhatOneProcessTrains) {
  test::in_ranks(GetParam(), [](int) {
    const auto alone = distributed::single_process();
    Trainee reference(*alone, {});
    const auto expected = reference.losses(3);
    const auto all = test::join_ranks();
    const test::FreshMemoryIsNan fresh;
    for (const bool recompute : {false, true}) {
      SCOPED_TRACE(recompute ? "recomputed" : "recorded");
      Trainee trainee(*all, {.zero = 3, .recompute = recompute});
      test::expect_near(trainee.losses(3), expected, test::kTrainedLoss);
      EXPECT_TRUE(test::same_weights(trainee.weights(), reference.weights(), test::kTrainedWeights));
    }
  });
}

TEST_P(WeightShardsTest, PartsCanBeFrozen) {
  test::in_ranks(GetParam(), [](int) {
    const auto alone = distributed::single_process();
    const auto all = test::join_ranks();
    // The Diff Expert trains through a frozen decoder, and the decoder's blocks in front of nothing that
    // trains.
    for (const char* pattern : {"model.vision_resampler.*", "model.layers.1.*"}) {
      SCOPED_TRACE(pattern);
      Trainee reference(*alone, {.rules = {{pattern, 1.0, 0.0}}});
      const auto expected = reference.losses(2);
      for (const bool recompute : {false, true}) {
        Trainee trainee(*all, {.zero = 3, .recompute = recompute, .rules = {{pattern, 1.0, 0.0}}});
        test::expect_near(trainee.losses(2), expected, test::kTrainedLoss);
        EXPECT_TRUE(test::same_weights(trainee.weights(), reference.weights(), test::kTrainedWeights));
      }
    }
  });
}

TEST(TwoRanks, GiveTheBitsOfStage2) {
  test::in_ranks(2, [](int) {
    const auto all = test::join_ranks();
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      // Without clipping, whose norm is summed in another order.
      Trainee second(*all, {.zero = 2, .type = type, .clip_norm = 0.0});
      Trainee third(*all, {.zero = 3, .type = type, .clip_norm = 0.0});
      EXPECT_EQ(third.losses(3), second.losses(3));
      EXPECT_TRUE(test::same_weights(third.weights(), second.weights()));
    }
  });
}

TEST_P(WeightShardsTest, HoldTheirShareAndTwoBlocks) {
  test::in_ranks(GetParam(), [](int) {
    const auto all = test::join_ranks();
    Trainee trainee(*all, {.zero = 3, .recompute = true});
    int64_t bytes = 0, outside = 0;
    std::map<std::string, int64_t> blocks;
    for (const auto& item : trainee.model().named_parameters()) {
      const auto name = item.key();
      const auto layers = name.find("layers.");
      const auto size = static_cast<int64_t>(item.value().nbytes());
      bytes += size;
      (layers == std::string::npos ? outside : blocks[name.substr(0, name.find('.', layers + 7))]) += size;
    }
    int64_t largest = 0;
    for (const auto& [name, size] : blocks) largest = std::max(largest, size);
    ASSERT_GT(bytes, outside + 3 * largest);
    trainee.losses(1);
    // Parameters begin at multiples of 64 elements.
    EXPECT_NEAR(static_cast<double>(trainee.shards()->shard_bytes()),
                static_cast<double>(bytes) / all->size(), 0.05 * static_cast<double>(bytes));
    EXPECT_LT(static_cast<double>(trainee.shards()->peak_gathered_bytes()),
              1.05 * static_cast<double>(outside + 2 * largest));
    EXPECT_GT(trainee.shards()->peak_gathered_bytes(), outside + largest);
  });
}

TEST_P(WeightShardsTest, AGradientThatIsNotFiniteIsSkippedByAll) {
  test::in_ranks(GetParam(), [](int rank) {
    const auto all = test::join_ranks();
    Trainee trainee(*all, {.zero = 3});
    TrainingStep step(trainee.model(), trainee.optimizer(), *all);
    const auto next = [&] {
      auto batch = test::tiny_batch({rank});
      if (rank == 1) batch.pixels.fill_(std::nan(""));
      return batch;
    };
    const auto before = trainee.weights();
    EXPECT_TRUE(step.run(next, {.own = 1, .rounds = 1, .total = all->size()}, 1e-3).skipped);
    EXPECT_TRUE(test::same_weights(trainee.weights(), before));
  });
}

/// Config of a run in the folder that the ranks share, with evaluations.
TrainConfig shared_config(const std::filesystem::path& pairs, const std::string& run, int64_t zero) {
  const test::TemporaryFolder unused;
  auto config = test::tiny_config(unused, pairs);
  config.output = (test::shared_folder() / run).string();
  config.distributed.zero = zero;
  config.distributed.timeout_seconds = 60.0;
  config.batch.global = 6;
  config.batch.micro = 1;
  config.batch.max_steps = 4;
  config.loss.mask = 0.0;
  test::evaluate_on(config, pairs);
  config.evaluation.metric = Metric::kBleu4;
  config.evaluation.every_steps = 2;
  config.evaluation.batch_size = 1;
  config.evaluation.generation.max_new_tokens = 6;
  return config;
}

/// Returns the captions that the evaluations of a run printed.
std::vector<std::string> captions_of(const std::string& run) {
  std::vector<std::string> captions;
  std::ifstream file(test::shared_folder() / run / "log.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto object = nlohmann::json::parse(line);
    if (object.at("event") != "evaluation") continue;
    for (const auto& sample : object.at("samples"))
      captions.push_back(sample.at("uid").get<std::string>() + ": " +
                         sample.at("caption").get<std::string>());
  }
  return captions;
}

TEST_P(WeightShardsTest, AWholeRunGivesTheCaptionsAndLossesOfStage2) {
  test::in_ranks(GetParam(), [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder own;
    if (rank == 0) {
      const auto pairs = test::write_pairs(own, 5);
      write_file(test::shared_folder() / "pairs.json", read_file(pairs));
    }
    all->barrier();
    const auto pairs = test::shared_folder() / "pairs.json";
    const auto second = train(shared_config(pairs, "second", 2), *all, at::kCPU);
    const auto third = train(shared_config(pairs, "third", 3), *all, at::kCPU);
    EXPECT_TRUE(third.finished);
    test::expect_near(third.caption_losses, second.caption_losses, test::kTrainedLoss);
    all->barrier();
    const auto captions = captions_of("third");
    EXPECT_EQ(captions.size(), 8U);  // of two evaluations
    EXPECT_EQ(captions, captions_of("second"));
    const auto load = [&](const char* run) {
      auto config = shared_config(pairs, "unused", 2);
      config.model.start = RunFolder(test::shared_folder() / run).checkpoint(4).string();
      return test::weights_of(*start_run_model(config, at::kCPU).model);
    };
    EXPECT_TRUE(test::same_weights(load("third"), load("second"), test::kTrainedWeights));
    all->barrier();
  });
}

TEST(Resumption, GivesTheBitsOfARunWithoutInterruption) {
  test::in_ranks(3, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder own;
    if (rank == 0) write_file(test::shared_folder() / "pairs.json", read_file(test::write_pairs(own, 5)));
    all->barrier();
    const auto config = [](const std::string& run, int64_t steps) {
      auto stage = shared_config(test::shared_folder() / "pairs.json", run, 3);
      stage.batch.max_steps = steps;
      stage.optimizer.schedule = Decay::kConstant;
      stage.optimizer.warmup_ratio = 0.0;
      return stage;
    };
    const auto whole = train(config("whole", 4), *all, at::kCPU);
    train(config("parts", 2), *all, at::kCPU);
    const auto rest = train(config("parts", 4), *all, at::kCPU);
    EXPECT_THAT(rest.caption_losses,
                ::testing::ElementsAre(whole.caption_losses[2], whole.caption_losses[3]));
    const auto model_of = [](const char* run) {
      return read_file(RunFolder(test::shared_folder() / run).checkpoint(4) / "model.safetensors");
    };
    if (rank == 0) {
      EXPECT_TRUE(model_of("parts") == model_of("whole"));
    }
    all->barrier();
  });
}

/// Writes the state of a run of stage `from`, and continues it at stage `to`.
void expect_state_moves(Communicator& all, int from, int to) {
  SCOPED_TRACE(fmt::format("stage {} to {}", from, to));
  const auto folder = test::shared_folder() / fmt::format("state{}{}", from, to);
  Trainee writer(all, {.zero = from});
  writer.losses(2);
  const auto texts = io::open_checkpoint(test::tiny_folder()).config_json;
  {
    const GatheredPass pass(writer.shards());
    write_training_state(folder, writer.model(), writer.optimizer(),
                         {.step = 2, .updates = 2, .position = writer.position()},
                         {.config_json = texts,
                          .config_yaml = "",
                          .companions = io::read_companions(test::tiny_folder()),
                          .shards = writer.shards()},
                         all);
  }
  const auto expected = writer.losses(2);
  const auto checkpoint = io::open_checkpoint(folder);
  auto model = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                  *checkpoint.weights, {.tensor = at::TensorOptions().dtype(at::kFloat)});
  Trainee reader(all, {.zero = to}, model);
  const auto progress = read_training_state(folder, reader.optimizer());
  reader.seek(progress.position);
  test::expect_near(reader.losses(2), expected, test::kTrainedLoss);
  EXPECT_TRUE(test::same_weights(reader.weights(), writer.weights(), test::kTrainedWeights));
}

TEST(ShardedState, MovesBetweenStages) {
  test::in_ranks(3, [](int) {
    const auto all = test::join_ranks();
    expect_state_moves(*all, 3, 2);
    expect_state_moves(*all, 2, 3);
    expect_state_moves(*all, 3, 3);
  });
}

TEST(ShardedState, AnErrorOfOneRankEndsTheWritingOfAll) {
  test::in_ranks(3, [](int) {
    const auto all = test::join_ranks(std::chrono::seconds(20));
    Trainee trainee(*all, {.zero = 3});
    const GatheredPass pass(trainee.shards());
    // Rank 0 writes the companions, before the weights.
    const auto error = test::error_of([&] {
      write_training_state(test::shared_folder() / "state", trainee.model(), trainee.optimizer(), {},
                           {.config_json = "{}",
                            .config_yaml = "",
                            .companions = {{"no/such/folder", ""}},
                            .shards = trainee.shards()},
                           *all);
    });
    EXPECT_THAT(error, ::testing::HasSubstr("no/such/folder"));
  });
}

TEST_P(WeightShardsTest, MemoryIsThatOfThePlan) {
  test::in_ranks(GetParam(), [](int) {
    const auto all = test::join_ranks();
    auto config = shared_config("none.json", "unused", 3);
    config.data.validation = {};
    config.evaluation = {};
    const auto plan = plan_of(config, all->size()).memory;
    Trainee trainee(*all, {.zero = 3, .recompute = true});
    trainee.losses(1);
    // Parameters begin at multiples of 64 elements.
    const auto& shards = *trainee.shards();
    EXPECT_NEAR(static_cast<double>(shards.shard_bytes()), plan.weights, 0.03 * plan.weights);
    EXPECT_LE(static_cast<double>(shards.peak_gathered_bytes()), 1.05 * plan.gathered);
    EXPECT_GE(static_cast<double>(shards.peak_gathered_bytes()), 0.9 * plan.gathered);
    const double state = plan.optimizer + plan.weights;  // float32: gradients take as much as weights
    EXPECT_NEAR(static_cast<double>(trainee.optimizer().bytes()), state, 0.03 * state);
  });
}

TEST_P(WeightShardsTest, LoadTheWeightsOfOneProcess) {
  test::in_ranks(GetParam(), [](int) {
    const auto all = test::join_ranks();
    for (const bool fresh : {false, true}) {
      auto config = shared_config("none.json", "unused", 3);
      config.model.fresh = fresh;
      const auto expected = test::weights_of(*start_run_model(config, at::kCPU).model);
      const auto run = start_run_model(config, at::kCPU, all.get());
      const GatheredPass pass(run.shards.get());
      std::map<std::string, at::Tensor> actual;
      for (const auto& item : run.model->named_parameters())
        actual[item.key()] = run.shards->whole(item.value()).clone();
      EXPECT_TRUE(test::same_weights(actual, expected)) << fresh;
    }
  });
}

}  // namespace
}  // namespace ccexpert::train
