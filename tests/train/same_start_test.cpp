// Ranks that start from different configs, weights or data are refused.
#include "train/same_start.h"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/io/safetensors.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/ranks.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Change {
  const char* override_text;
  const char* message;
};

/// Runs on rank 1 only.
const Change kChanges[] = {
    {"seed=7", "rank 1: seed: expected '42', as on rank 0, got '7'"},
    {"optimizer.learning_rate=0.5",
     "rank 1: optimizer.learning_rate: expected '1e-05', as on rank 0, got '0.5'"},
    {"optimizer.clip_norm=0.5", "rank 1: optimizer.clip_norm: expected '1', as on rank 0, got '0.5'"},
    {"loss.mask=0.5", "rank 1: loss.mask: expected '0', as on rank 0, got '0.5'"},
    {"model.start=other", "rank 1: model.start: expected 'base', as on rank 0, got 'other'"},
    {"data.question=what?", "rank 1: data.question: expected '', as on rank 0, got 'what?'"},
    {"batch.micro=4", "rank 1: batch.micro: expected '8', as on rank 0, got '4'"},
    {"batch.max_steps=5", "rank 1: batch.max_steps: expected '0', as on rank 0, got '5'"},
    {"distributed.zero=0", "rank 1: distributed.zero: expected '2', as on rank 0, got '0'"},
    {"distributed.bucket_mb=1", "rank 1: distributed.bucket_mb: expected '100', as on rank 0, got '1'"},
    {"model.dtype=float32", "rank 1: model.dtype: expected 'bfloat16', as on rank 0, got 'float32'"},
    {"output=elsewhere", "rank 1: output: expected 'runs/x', as on rank 0, got 'elsewhere'"},
    {"optimizer.parameters=[{}, {pattern: a.*}]",
     "rank 1: optimizer.parameters[1].lr_factor: expected nothing, as on rank 0, got '1' (2 other keys "
     "differ too)"}};

std::vector<TrainConfig> read(const std::filesystem::path& file, std::vector<std::string> overrides = {}) {
  return read_train_config(file, overrides);
}

TEST(SameConfig, EachKeyIsNamedOnAllRanks) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder folder;
    const auto file =
        folder.write("run.yaml", "output: runs/x\nmodel: {start: base}\ndata: {train: train.json}\n");
    EXPECT_EQ(test::error_of([&] { expect_same_config(read(file), *all); }), "no error");
    for (const auto& change : kChanges) {
      const auto own = rank == 1 ? read(file, {change.override_text}) : read(file);
      EXPECT_EQ(test::error_of([&] { expect_same_config(own, *all); }), change.message);
    }
  });
}

TEST(SameConfig, TheLowestRankAndItsStageAreNamed) {
  test::in_ranks(3, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder folder;
    const std::string common = "output: runs/x\nmodel: {start: base}\ndata: {train: train.json}\n";
    const auto file = [&](const std::string& stages) { return folder.write("run.yaml", common + stages); };
    const auto two =
        file(rank == 2 ? "stages: [{name: a}, {name: b, seed: 3}]\n" : "stages: [{name: a}, {name: b}]\n");
    EXPECT_EQ(test::error_of([&] { expect_same_config(read(two), *all); }),
              "rank 2: b: seed: expected '42', as on rank 0, got '3'");
    const auto more = file(rank == 0 ? "stages: [{name: a}, {name: b}]\n" : "stages: [{name: a}]\n");
    EXPECT_THAT(test::error_of([&] { expect_same_config(read(more), *all); }),
                HasSubstr("rank 1: number of stages: expected 2, as on rank 0, got 1"));
  });
}

TEST(SameStart, WeightsFilesAndPairsAreNamed) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder folder;
    const auto pairs = test::write_pairs(folder, 3);
    const auto config = test::tiny_config(folder, pairs);
    auto run = start_run_model(config, at::kCPU);
    auto training = data::read_change_dataset(pairs);
    // Each process paints in its own folder.
    for (auto& pair : training) pair.before = pair.after = pair.uid;
    auto validation = training;
    const auto refusal = [&] {
      return test::error_of([&] { expect_same_start({run, training, validation}, *all); });
    };
    EXPECT_EQ(refusal(), "no error");
    if (rank == 1) validation[1].captions[0] += "x";
    EXPECT_EQ(refusal(),
              "rank 1: data.validation: expected the pairs of rank 0, got the same number of other pairs");
    if (rank == 1) training.pop_back();
    EXPECT_EQ(refusal(), "rank 1: data.train: expected 3 pairs, as on rank 0, got 2");
    if (rank == 1) run.companions.front().bytes += " ";
    const auto file = run.companions.front().name;
    EXPECT_EQ(refusal(), "rank 1: model.start: expected what rank 0 starts from, got another " + file);
    if (rank == 1) {
      run.companions.front().bytes.pop_back();
      const at::NoGradGuard no_grad;
      run.model->named_parameters()["model.mm_projector.0.weight"].view(-1)[3].add_(1e-3);
    }
    EXPECT_EQ(
        refusal(),
        "rank 1: model.start: expected what rank 0 starts from, got another model.mm_projector.0.weight");
  });
}

/// Copies the small checkpoint to `to` with `value` as the last element of the projector's first matrix.
void copy_start(const std::filesystem::path& to, float value) {
  std::filesystem::copy(test::tiny_folder(), to);
  for (const char* file : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
    const auto source = io::open_safetensors(test::tiny_folder() / file);
    std::vector<io::NamedTensor> tensors;
    for (const auto& info : source->tensors()) {
      tensors.push_back({info.name, source->tensor(info.name).clone()});
      if (info.name == "model.mm_projector.0.weight") tensors.back().tensor.view(-1)[-1].fill_(value);
    }
    io::write_safetensors(to / file, tensors);
  }
}

TEST(SameStart, WeightsOfAnotherModelAreNamedWithShards) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const test::TemporaryFolder folder;
    auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
    const auto start = folder / "start";
    copy_start(start, static_cast<float>(rank));
    const auto refusal = [&] {
      const auto run = start_run_model(config, at::kCPU, all.get());
      return test::error_of([&] { expect_same_start({run, {}, {}}, *all); });
    };
    EXPECT_EQ(refusal(), "no error");
    config.model.start = start.string();
    EXPECT_EQ(
        refusal(),
        "rank 1: model.start: expected what rank 0 starts from, got another model.mm_projector.0.weight");
  });
}

TEST(SameStart, ADamagedPartOfOneRankEndsTheStartOfAll) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks(std::chrono::seconds(20));
    const test::TemporaryFolder own;
    const auto shared = test::shared_folder();
    if (rank == 0) {
      copy_start(shared / "start", std::nanf(""));
      write_file(shared / "pairs.json", read_file(test::write_pairs(own, 1)));
    }
    all->barrier();
    auto config = test::tiny_config(own, shared / "pairs.json");
    config.output = (shared / "run").string();
    config.model.start = (shared / "start").string();
    config.distributed.zero = 3;
    // The last elements are in the shard of the last rank.
    EXPECT_THAT(test::error_of([&] { train(config, *all, at::kCPU); }),
                AllOf(StartsWith("rank 1: "), HasSubstr("model.mm_projector.0.weight"), HasSubstr("NaN")));
    all->barrier();
  });
}

}  // namespace
}  // namespace ccexpert::train
