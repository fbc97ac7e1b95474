// Whole runs of a tiny model in one process.
#pragma once

#include <gtest/gtest.h>

#include "core/files.h"
#include "train/run_folder.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

namespace ccexpert::train {

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() : config_(test::tiny_config(folder_, test::write_pairs(folder_, 5))) {}

  TrainOutcome train(const TrainConfig& config, std::stop_token stop = {}) {
    return train::train(config, *alone_, at::kCPU, {std::move(stop)});
  }
  TrainConfig named(const std::string& run) const {
    auto config = config_;
    config.output = (folder_ / run).string();
    return config;
  }
  /// Runs `config_` without interruption.
  std::vector<double> whole() { return train(named("whole")).caption_losses; }

  /// Returns weights and optimiser state at a step, byte for byte.
  std::map<std::string, std::string> files(const std::string& run, int64_t step) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(RunFolder(folder_ / run).checkpoint(step))) {
      const auto name = entry.path().filename().string();
      if (name.ends_with(".safetensors")) files[name] = read_file(entry.path());
    }
    return files;
  }
  void expect_same_end(const std::string& run) const {
    EXPECT_GE(files("whole", 6).size(), 2U);
    EXPECT_TRUE(files(run, 6) == files("whole", 6));
    EXPECT_TRUE(is_finished(named(run)));
  }
  std::vector<nlohmann::json> log_of(const std::string& run, const std::string& event) const {
    std::vector<nlohmann::json> lines;
    std::ifstream file(folder_ / run / "log.jsonl");
    for (std::string line; std::getline(file, line);) {
      auto object = nlohmann::json::parse(line);
      if (object.at("event") == event) lines.push_back(std::move(object));
    }
    return lines;
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
  TrainConfig config_;
};

/// Runs `call` and returns what it printed to standard error.
template <class Call>
std::string printed_by(Call&& call) {
  ::testing::internal::CaptureStderr();
  call();
  return ::testing::internal::GetCapturedStderr();
}

}  // namespace ccexpert::train
