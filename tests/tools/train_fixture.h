// Fixture for small runs of ccexpert-train as processes.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"
#include "tools/process.h"

namespace ccexpert::test {

/// True if the process runs; false for a zombie.
inline bool runs(pid_t process) {
  const auto stat = content("/proc/" + std::to_string(process) + "/stat");
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") != 0;
}

inline std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  std::error_code code;
  const auto tasks = std::filesystem::path("/proc") / std::to_string(process) / "task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, code)) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

template <class Condition>
bool happens_within(std::chrono::milliseconds patience, Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// Five generated pairs and a run of the small checkpoint on them that saves after every step.
class TrainProcess : public ::testing::Test {
 protected:
  TrainProcess() {
    nlohmann::json entries = nlohmann::json::array();
    for (int i = 0; i < 5; ++i) {
      const auto before = folder_ / fmt::format("{}-before.png", i);
      const auto after = folder_ / fmt::format("{}-after.png", i);
      write_image(before, static_cast<uint8_t>(40 * i), 20, 30);
      write_image(after, static_cast<uint8_t>(255 - 40 * i), 20, 30);
      entries.push_back({{"uid", std::to_string(i)},
                         {"img1_path", before.string()},
                         {"img2_path", after.string()},
                         {"change_caption", fmt::format("a road number {} appears .", i)}});
    }
    folder_.write("pairs.json", entries.dump());
    config_ = folder_.write("run.yaml", fmt::format(R"(device: cpu
threads: 1
model:
  start: {}/checkpoint-tiny
  dtype: float32
data:
  train: {}/pairs.json
  workers: 1
batch:
  global: 2
  micro: 1
  max_steps: 24
optimizer:
  learning_rate: 0.001
distributed:
  timeout_seconds: 4
  bucket_mb: 1
checkpoint:
  every_steps: 1
)",
                                                    test::kTestData, folder_.path().string()));
  }

  std::vector<std::string> command(const std::string& run, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{CCEXPERT_TRAIN, "--config", config_.string(),
                                       "output=" + (folder_ / run).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  ProcessResult train(const std::string& run, std::vector<std::string> more = {}) const {
    return run_process(command(run, std::move(more)));
  }
  size_t logged_steps(const std::string& run) const {
    const auto log = content(folder_ / run / "log.jsonl");
    size_t count = 0;
    for (size_t at = 0; (at = log.find("\"event\":\"step\"", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  /// Returns step and score of each evaluation.
  std::map<int64_t, double> scores(const std::string& run) const {
    std::map<int64_t, double> scores;
    std::ifstream file(folder_ / run / "log.jsonl");
    for (std::string line; std::getline(file, line);) {
      const auto object = nlohmann::json::parse(line);
      if (object.at("event") == "evaluation") scores[object.at("step")] = object.at("score");
    }
    return scores;
  }
  int64_t notes(const std::string& run) const {
    const auto log = content(folder_ / run / "log.jsonl");
    int64_t count = 0;
    for (size_t at = 0; (at = log.find("\"event\":\"note\"", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  /// Returns weights and optimiser state of the run's best checkpoint, which is its last.
  std::map<std::string, std::string> outcome(const std::string& run) const {
    std::map<std::string, std::string> files;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run / "best", code)) {
      const auto name = entry.path().filename().string();
      if (name.ends_with(".safetensors")) files[name] = content(entry.path());
    }
    return files;
  }
  void expect_same_outcome(const std::string& actual, const std::string& expected) const {
    const auto theirs = outcome(expected), ours = outcome(actual);
    EXPECT_GE(theirs.size(), 2U);
    ASSERT_EQ(ours.size(), theirs.size());
    for (const auto& [name, bytes] : theirs) EXPECT_TRUE(ours.at(name) == bytes) << name << " differs";
    EXPECT_EQ(content(folder_ / actual / "finished"), content(folder_ / expected / "finished"));
  }

  TemporaryFolder folder_;
  std::filesystem::path config_;
};

}  // namespace ccexpert::test
