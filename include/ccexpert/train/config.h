/// Definition of a training run, as in its YAML file. Fields are listed once; the parser, the resolved copy
/// in each checkpoint and the messages derive from these lists.
#pragma once

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/fields.h>
#include <ccexpert/train/course.h>
#include <ccexpert/train/lora_section.h>
#include <ccexpert/train/reward.h>
#include <ccexpert/train/sections.h>

namespace ccexpert::train {

struct TrainConfig {
  std::string name = "train";
  std::string output;
  DeviceName device;
  int64_t threads = 0;
  double peak_tflops = 0.0;
  double memory_gb = 0.0;
  int64_t seed = 42;
  StageObjective objective = StageObjective::kCrossEntropy;
  ModelSection model;
  DataSection data;
  BatchSection batch;
  LossSection loss;
  SelfCriticalSection self_critical;
  LoraSection lora;
  OptimizerSection optimizer;
  DistributedSection distributed;
  CheckpointSection checkpoint;
  EvaluationSection evaluation;

  static constexpr auto fields() {
    using Self = TrainConfig;
    return std::tuple{
        field("name", &Self::name, "name of the run or stage"),
        field("output", &Self::output, "folder of the run: log, checkpoints"),
        field("device", &Self::device,
              "device of all ranks, each with its own GPU; auto: GPUs if there are any"),
        field("threads", &Self::threads, "CPU threads of a rank (0: cores / ranks)", kThreads),
        field("peak_tflops", &Self::peak_tflops,
              "peak of one device in model.dtype, for MFU (0: unknown); H100: 989", at_least(0)),
        field("memory_gb", &Self::memory_gb,
              "memory of one device, for --plan (0: unknown; on a CPU the machine's)", at_least(0)),
        field("seed", &Self::seed, "seed of the sample order and of fresh weights"),
        field("objective", &Self::objective,
              "cross_entropy: learn the data's captions; self_critical: learn from captions that the model "
              "draws, by their reward"),
        field("model", &Self::model, ""),
        field("data", &Self::data, ""),
        field("batch", &Self::batch, ""),
        field("loss", &Self::loss, ""),
        field("self_critical", &Self::self_critical, ""),
        field("lora", &Self::lora, ""),
        field("optimizer", &Self::optimizer, ""),
        field("distributed", &Self::distributed, ""),
        field("checkpoint", &Self::checkpoint, ""),
        field("evaluation", &Self::evaluation, "")};
  }

  /// Throws Error with the key for a value out of range, for an impossible combination and for a value
  /// without effect.
  void validate() const;
};

/// Reads a run's file: one stage, or several under `stages:`, each a section that overrides the keys outside
/// the list. A stage after the first starts from a checkpoint of the previous stage: the best (default) or
/// the last, as its key `start_from` states. A key outside the list that has no effect in a stage is left out
/// there. `overrides` are "section.key=value" and apply to every stage. Relative paths stay as they are.
/// Throws Error with file, line and key.
std::vector<TrainConfig> read_train_config(const std::filesystem::path& path,
                                           const std::vector<std::string>& overrides);

/// Returns the config as YAML with every value spelled out.
std::string to_yaml_text(const TrainConfig& config);

}  // namespace ccexpert::train
