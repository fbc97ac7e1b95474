// Checkpoints of a run: complete or absent, and damage is detected.
#include "train/training_state.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "support/errors.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<ParameterRule> kSmallRules{{"model.mm_projector.*"}, {"model.vision_resampler.*"}};

class TrainingState : public ::testing::Test {
 protected:
  TrainingState() : model_(test::tiny_model()), optimizer_(apply_rules(*model_, kSmallRules), {}, *alone_) {
    texts_ = {.config_json = io::open_checkpoint(test::tiny_folder()).config_json,
              .config_yaml = "name: \"x\"\n",
              .companions = io::read_companions(test::tiny_folder())};
  }

  void take_step(int64_t sample) {
    TrainingStep step(*model_, optimizer_, *alone_);
    step.run([&] { return test::tiny_batch({sample}); }, {}, 1e-3);
  }
  void write(const Progress& progress = {}) {
    write_training_state(folder(), *model_, optimizer_, progress, texts_, *alone_);
  }
  fs::path folder() const { return temporary_ / "state"; }

  test::TemporaryFolder temporary_;
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
  std::shared_ptr<model::CcexpertModel> model_;
  ShardedAdamW optimizer_;
  CheckpointTexts texts_;
};

TEST_F(TrainingState, ComesBackAsItWas) {
  take_step(1);
  const Progress progress{.step = 7,
                          .updates = 1,
                          .samples = 33,
                          .epoch_samples = 40,
                          .skipped_updates = 3,
                          .skipped_samples = 4,
                          .position = {.epoch = 2, .batch = 5},
                          .evaluated = 6,
                          .metric = "loss",
                          .best = 0.1 + 0.2,
                          .best_step = 6};
  write(progress);
  verify_training_state(folder());
  const auto checkpoint = io::open_checkpoint(folder());
  auto model = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                  *checkpoint.weights, {});
  EXPECT_TRUE(test::same_weights(test::weights_of(*model), test::weights_of(*model_)));
  ShardedAdamW optimizer(apply_rules(*model, kSmallRules), {}, *alone_);
  EXPECT_EQ(read_training_state(folder(), optimizer), progress);
  EXPECT_EQ(optimizer.steps(), 1);
  const auto expected = optimizer_.state(), actual = optimizer.state();
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(at::equal(actual[i].tensor, expected[i].tensor));
  EXPECT_GT(expected.front().tensor.abs().sum().item<double>(), 0.0);
}

TEST_F(TrainingState, NoBestScoreComesBackAsNone) {
  write({.step = 1});
  EXPECT_EQ(read_training_state(folder(), optimizer_).best, std::nullopt);
}

TEST_F(TrainingState, ItsTextsAndTokenizerStandBeside) {
  texts_.auxiliary = {{"mask.bias", at::ones({1})}};
  write();
  EXPECT_EQ(read_file(folder() / "config.yaml"), texts_.config_yaml);
  EXPECT_EQ(read_file(folder() / "config.json"), texts_.config_json);
  EXPECT_TRUE(fs::exists(folder() / "tokenizer.json"));
  EXPECT_TRUE(at::equal(io::open_safetensors(folder() / "auxiliary.safetensors")->tensor("mask.bias"),
                        at::ones({1})));
}

TEST_F(TrainingState, AppearsWholeAndReplacesAnOlderOne) {
  write({.step = 1});
  fs::create_directories(temporary_ / "state.unfinished");  // left by a killed run
  temporary_.write("state.unfinished/rest", "x");
  temporary_.write("state/rest", "x");
  write({.step = 2});
  EXPECT_FALSE(fs::exists(temporary_ / "state.unfinished"));
  EXPECT_FALSE(fs::exists(folder() / "rest"));
  EXPECT_EQ(read_training_state(folder(), optimizer_).step, 2);
}

TEST_F(TrainingState, WhatCannotBeWrittenLeavesTheOlderOne) {
  write({.step = 1});
  auto wrong = texts_;
  wrong.auxiliary = {{"twice", at::ones({1})}, {"twice", at::ones({1})}};
  EXPECT_THAT(test::error_of(
                  [&] { write_training_state(folder(), *model_, optimizer_, {.step = 2}, wrong, *alone_); }),
              HasSubstr("twice"));
  verify_training_state(folder());
  EXPECT_EQ(read_training_state(folder(), optimizer_).step, 1);
}

TEST_F(TrainingState, EveryDamagedFileIsNamed) {
  write();
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().filename() != "manifest.json") files.push_back(entry.path());
  }
  EXPECT_GE(files.size(), 6U);
  for (const auto& file : files) {
    const auto bytes = read_file(file);
    const auto name = file.string();
    auto flipped = bytes;
    flipped[bytes.size() / 2] = static_cast<char>(flipped[bytes.size() / 2] ^ 1);
    std::ofstream(file, std::ios::binary) << flipped;
    EXPECT_THAT(test::error_of([&] { verify_training_state(folder()); }),
                AllOf(HasSubstr(name), HasSubstr("its content is not what was written")));
    fs::resize_file(file, bytes.size() - 1);
    EXPECT_EQ(test::error_of([&] { verify_training_state(folder()); }),
              fmt::format("{}: expected {} bytes, got {}", name, bytes.size(), bytes.size() - 1));
    fs::remove(file);
    EXPECT_EQ(test::error_of([&] { verify_training_state(folder()); }),
              fmt::format("{}: expected a file of {} bytes, got none", name, bytes.size()));
    fs::create_symlink(file.filename(), file);  // nobody can open it, not even root
    EXPECT_EQ(test::error_of([&] { verify_training_state(folder()); }),
              name + ": cannot be accessed (Too many levels of symbolic links)");
    fs::remove(file);
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_EQ(test::error_of([&] { verify_training_state(folder()); }), "no error");
  }
}

TEST_F(TrainingState, ABrokenManifestIsNamed) {
  write();
  const auto manifest = folder() / "manifest.json";
  const auto bytes = read_file(manifest);
  for (const auto& broken : {std::string("[]"), bytes.substr(0, bytes.size() / 2), std::string()}) {
    std::ofstream(manifest, std::ios::binary) << broken;
    EXPECT_THAT(test::error_of([&] { verify_training_state(folder()); }), HasSubstr(manifest.string()));
  }
  fs::remove(manifest);
  EXPECT_THAT(test::error_of([&] { verify_training_state(folder()); }), HasSubstr(manifest.string()));
}

TEST_F(TrainingState, AManifestWithoutWhatMakesACheckpointIsRefused) {
  write();
  const auto manifest = folder() / "manifest.json";
  const auto whole = nlohmann::json::parse(read_file(manifest));
  std::ofstream(manifest) << "{}";
  EXPECT_EQ(test::error_of([&] { verify_training_state(folder()); }),
            manifest.string() + ": expected trainer.json among its files, got none");
  for (const std::string start : {"trainer.json", "config.json", "model", "optimizer-"}) {
    auto less = whole;
    for (const auto& [name, entry] : whole.items()) {
      if (name.starts_with(start)) less.erase(name);
    }
    std::ofstream(manifest) << less;
    EXPECT_THAT(test::error_of([&] { verify_training_state(folder()); }),
                HasSubstr("expected " + start + " among its files"));
  }
}

TEST_F(TrainingState, RanksShareTheReading) {
  write();
  // One of three ranks finds a flipped byte in any file; all find a missing file.
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().filename() == "manifest.json") continue;
    const auto bytes = read_file(entry.path());
    auto flipped = bytes;
    flipped[0] = static_cast<char>(flipped[0] ^ 1);
    std::ofstream(entry.path(), std::ios::binary) << flipped;
    const auto finders = [&] {
      int found = 0;
      for (int part = 0; part < 3; ++part)
        found += test::error_of([&] { verify_training_state(folder(), part, 3); }) != "no error" ? 1 : 0;
      return found;
    };
    EXPECT_EQ(finders(), 1) << entry.path();
    fs::resize_file(entry.path(), bytes.size() - 1);
    EXPECT_EQ(finders(), 3) << entry.path();
    std::ofstream(entry.path(), std::ios::binary) << bytes;
  }
}

TEST_F(TrainingState, OtherParametersAreRefused) {
  write();
  const auto refusal = [&](const std::vector<ParameterRule>& rules, const AdamWOptions& options) {
    const auto model = test::tiny_model();
    ShardedAdamW other(apply_rules(*model, rules), options, *alone_);
    return test::error_of([&] { read_training_state(folder(), other); });
  };
  const auto told = AllOf(HasSubstr((folder() / "trainer.json").string()),
                          HasSubstr("the optimiser's state belongs to other parameters"));
  EXPECT_THAT(refusal({{"model.mm_projector.*"}}, {}), told);
  EXPECT_THAT(refusal(kSmallRules, {.bucket_elements = 1000}), told);
  EXPECT_EQ(refusal(kSmallRules, {}), "no error");
}

TEST_F(TrainingState, AnotherDtypeIsRefused) {
  write();
  const auto refusal = [&](at::ScalarType type) {
    const auto model = test::tiny_model(type);
    ShardedAdamW other(apply_rules(*model, kSmallRules), {}, *alone_);
    return test::error_of([&] { read_training_state(folder(), other); });
  };
  const auto told = "the optimiser's state belongs to another model.dtype";
  EXPECT_THAT(refusal(at::kBFloat16), HasSubstr(told));
  const auto half = test::tiny_model(at::kBFloat16);
  const ShardedAdamW optimizer(apply_rules(*half, kSmallRules), {}, *alone_);
  write_training_state(folder(), *half, optimizer, {}, texts_, *alone_);
  EXPECT_THAT(refusal(at::kFloat), HasSubstr(told));
  EXPECT_EQ(refusal(at::kBFloat16), "no error");
}

/// Returns the error of reading trainer.json after `change`, without the manifest check.
struct Damage {
  const char* name;
  void (*change)(nlohmann::json& trainer);
  const char* message;
};

TEST_F(TrainingState, DamagedTrainerFilesAreASentence) {
  write({.step = 1});
  const auto whole = nlohmann::json::parse(read_file(folder() / "trainer.json"));
  const Damage damages[] = {
      {"a list", [](auto& trainer) { trainer = nlohmann::json::array(); },
       "trainer.json: expected an object"},
      {"no progress", [](auto& trainer) { trainer.erase("progress"); },
       "trainer.json: progress: expected an object"},
      {"step of text", [](auto& trainer) { trainer["progress"]["step"] = "x"; }, "step: expected an integer"},
      {"step below 0", [](auto& trainer) { trainer["progress"]["step"] = -1; },
       "step: expected at least 0, got -1"},
      {"no files", [](auto& trainer) { trainer.erase("files"); },
       "trainer.json: files: expected a list, got none"},
      {"files of numbers", [](auto& trainer) { trainer["files"] = {1}; }, "files: expected objects, got 1"},
      {"file above", [](auto& trainer) { trainer["files"][0]["file"] = "../x"; }, "names of files beside it"},
      {"ranges missing", [](auto& trainer) { trainer["files"][0].erase("ranges"); }, "ranges: expected"},
      {"ranges of text",
       [](auto& trainer) {
         trainer["files"][0]["ranges"][0] = {"a", 1};
       },
       "ranges: expected"},
      {"ranges reversed",
       [](auto& trainer) {
         trainer["files"][0]["ranges"][0] = {5, 1};
       },
       "ranges: expected"},
      {"ranges too long", [](auto& trainer) { trainer["files"][0]["ranges"][0][1] = 1LL << 40; },
       "elements, got"}};
  for (const auto& damage : damages) {
    auto trainer = whole;
    damage.change(trainer);
    write_file(folder() / "trainer.json", trainer.dump());
    EXPECT_THAT(test::error_of([&] { read_training_state(folder(), optimizer_); }), HasSubstr(damage.message))
        << damage.name;
  }
}

TEST_F(TrainingState, AStateWithoutAChecksumOfThePairsIsRead) {
  write({.step = 1, .pairs = "0123"});
  EXPECT_EQ(read_training_state(folder(), optimizer_).pairs, "0123");
  auto trainer = nlohmann::json::parse(read_file(folder() / "trainer.json"));
  EXPECT_EQ(trainer["progress"].erase("pairs"), 1U);
  write_file(folder() / "trainer.json", trainer.dump());
  EXPECT_EQ(read_training_state(folder(), optimizer_).pairs, "");
}

TEST_F(TrainingState, DamagedManifestsAreASentence) {
  write({.step = 1});
  const auto refusal = [&](const std::string& manifest) {
    write_file(folder() / "manifest.json", manifest);
    return test::error_of([&] { verify_training_state(folder()); });
  };
  EXPECT_THAT(refusal("[1]"), HasSubstr("manifest.json: expected an object of files, got an array"));
  EXPECT_THAT(refusal("{\"model.safetensors\": 3}"),
              HasSubstr("model.safetensors: expected bytes and xxh3, got 3"));
  EXPECT_THAT(refusal("{\"../x\": {}}"),
              HasSubstr("manifest.json: expected names of files beside it, got '../x'"));
  EXPECT_THAT(refusal("{\"a\": {\"bytes\": \"x\"}}"), HasSubstr("bytes: expected an integer, got \"x\""));
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("manifest.json: expected JSON"));
}

}  // namespace
}  // namespace ccexpert::train
