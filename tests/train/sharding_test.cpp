// Several ranks train the same weights as one process at every ZeRO stage, and their state can be resumed
// with another number of ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/fresh_memory.h"
#include "support/ranks.h"
#include "train/trainee.h"
#include "train/training_state.h"

namespace ccexpert::train {
namespace {

using distributed::Communicator;
using test::Trainee;

class Sharding : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Sharding, ::testing::Values(2, 3, 4),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

TEST_P(Sharding, TrainsWhatOneProcessTrains) {
  test::in_ranks(GetParam(), [](int) {
    const auto alone = distributed::single_process();
    Trainee reference(*alone, {});
    const auto expected = reference.losses(3);
    const auto all = test::join_ranks();
    const test::FreshMemoryIsNan fresh;
    for (const int zero : {0, 1, 2}) {
      SCOPED_TRACE("ZeRO " + std::to_string(zero));
      Trainee trainee(*all, {.zero = zero});
      test::expect_near(trainee.losses(3), expected, test::kTrainedLoss);
      EXPECT_TRUE(test::same_weights(test::weights_of(trainee.model()), test::weights_of(reference.model()),
                                     test::kTrainedWeights));
      EXPECT_FALSE(test::same_weights(test::weights_of(trainee.model()),
                                      test::weights_of(*test::tiny_model()), test::kTrainedWeights));
    }
  });
}

TEST_P(Sharding, ReportsAreOfAllRanks) {
  test::in_ranks(GetParam(), [](int) {
    const auto alone = distributed::single_process();
    const auto all = test::join_ranks();
    Trainee reference(*alone, {}), trainee(*all, {.zero = 2});
    for (int step = 0; step < 2; ++step) {
      const auto expected = reference.one_step(), report = trainee.one_step();
      EXPECT_EQ(report.samples, step == 0 ? 6 : 5);
      EXPECT_EQ(report.supervised_tokens, expected.supervised_tokens);
      EXPECT_EQ(report.tokens, expected.tokens);
      EXPECT_NEAR(report.grad_norm, expected.grad_norm, 1e-4 * expected.grad_norm);
    }
  });
}

TEST_P(Sharding, HalfPrecisionIsTheSameOnAllRanks) {
  test::in_ranks(GetParam(), [](int) {
    const auto all = test::join_ranks();
    for (const int zero : {0, 1, 2}) {
      Trainee trainee(*all, {.zero = zero, .type = at::kBFloat16});
      EXPECT_EQ(trainee.losses(2).size(), 2U);
      for (const auto& item : trainee.model().named_parameters()) {
        const auto firsts = item.value().detach().clone();
        all->broadcast(firsts, 0);
        ASSERT_TRUE(at::equal(firsts, item.value())) << item.key() << " at ZeRO " << zero;
      }
    }
  });
}

TEST_P(Sharding, StateAndGradientsAreSharedOut) {
  test::in_ranks(GetParam(), [](int) {
    const auto all = test::join_ranks();
    const auto bytes = [&](int zero) {
      return static_cast<double>(
          Trainee(*all, {.zero = zero, .bucket_elements = 10'000'000}).optimizer().bytes());
    };
    const double ranks = all->size(), whole = bytes(0);  // gradients and two moments
    EXPECT_NEAR(bytes(1) / whole, (1.0 + 2.0 / ranks) / 3.0, 0.01);
    EXPECT_NEAR(bytes(2) / whole, 1.0 / ranks, 0.01);
  });
}

TEST_P(Sharding, AGradientThatIsNotFiniteOnOneRankIsSkippedByAll) {
  test::in_ranks(GetParam(), [](int rank) {
    const auto all = test::join_ranks();
    for (const int zero : {0, 1, 2}) {
      Trainee trainee(*all, {.zero = zero});
      TrainingStep step(trainee.model(), trainee.optimizer(), *all);
      const auto next = [&] {
        auto batch = test::tiny_batch({rank});
        if (rank == 1) batch.pixels.fill_(std::nan(""));
        return batch;
      };
      const auto before = test::weights_of(trainee.model());
      EXPECT_TRUE(step.run(next, {.own = 1, .rounds = 1, .total = all->size()}, 1e-3).skipped);
      EXPECT_TRUE(test::same_weights(test::weights_of(trainee.model()), before));
    }
  });
}

/// Joins the first `count` ranks of `all` on another port; returns nothing on the others.
std::unique_ptr<Communicator> first_ranks(Communicator& all, int count) {
  const auto port = all.gather_text(std::to_string(test::free_port())).front();
  if (all.rank() >= count) return nullptr;
  return distributed::join({.rank = all.rank(), .size = count, .master_port = std::stoi(port)}, at::kCPU,
                           {.timeout = std::chrono::seconds(60)});
}

/// Trains two steps, saves, trains two more; then other numbers of ranks continue from the saved state.
void expect_state_moves(at::ScalarType type, double loss_tolerance) {
  const auto all = test::join_ranks();
  const auto folder = test::shared_folder() / "state";
  Trainee writer(*all, {.zero = 2, .type = type});
  writer.losses(2);
  const auto config = io::open_checkpoint(test::tiny_folder()).config_json;
  write_training_state(
      folder, writer.model(), writer.optimizer(), {.step = 2, .updates = 2, .position = writer.position()},
      {.config_json = config, .config_yaml = "", .companions = io::read_companions(test::tiny_folder())},
      *all);
  verify_training_state(folder);
  const auto expected = writer.losses(2);
  for (const int ranks : {1, 2, 3}) {
    const auto some = first_ranks(*all, ranks);
    for (int zero = 0; some && zero <= 2; ++zero) {
      SCOPED_TRACE(std::to_string(ranks) + " ranks, ZeRO " + std::to_string(zero));
      const auto checkpoint = io::open_checkpoint(folder);
      auto model = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                      *checkpoint.weights, {.tensor = at::TensorOptions().dtype(type)});
      Trainee reader(*some, {.zero = zero, .type = type}, model);
      const auto progress = read_training_state(folder, reader.optimizer());
      EXPECT_EQ(progress.step, 2);
      EXPECT_EQ(reader.optimizer().steps(), 2);
      reader.seek(progress.position);
      test::expect_near(reader.losses(2), expected, loss_tolerance);
      if (type == at::kFloat) {
        EXPECT_TRUE(test::same_weights(test::weights_of(reader.model()), test::weights_of(writer.model()),
                                       test::kTrainedWeights));
      }
    }
    all->barrier();
  }
}

TEST(State, MovesToOtherNumbersOfRanksAndStages) {
  test::in_ranks(3, [](int) { expect_state_moves(at::kFloat, test::kTrainedLoss); });
}

TEST(State, MovesInHalfPrecisionToo) {
  // Gradients are reduced in bfloat16.
  test::in_ranks(3, [](int) { expect_state_moves(at::kBFloat16, 0.02); });
}

}  // namespace
}  // namespace ccexpert::train
