/// Definition of a training run, as in its YAML file. Fields are listed once; the parser, the resolved copy
/// in each checkpoint and the messages derive from these lists.
#pragma once

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>
#include <ccexpert/generate/options.h>
#include <ccexpert/train/sections.h>

namespace ccexpert::train {

struct OptimizerSection {
  double learning_rate = 1e-5;
  std::string schedule = "cosine";
  double warmup_ratio = 0.03;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double clip_norm = 1.0;
  std::vector<ParameterRule> parameters{{}};

  static constexpr auto fields() {
    using Self = OptimizerSection;
    return std::tuple{
        field("learning_rate", &Self::learning_rate, "base learning rate"),
        field("schedule", &Self::schedule, "cosine or constant, after the warm-up"),
        field("warmup_ratio", &Self::warmup_ratio, "share of steps used for warm-up"),
        field("beta1", &Self::beta1, "AdamW"),
        field("beta2", &Self::beta2, "AdamW"),
        field("eps", &Self::eps, "AdamW"),
        field("clip_norm", &Self::clip_norm, "limit of the global gradient norm (0: no clipping)"),
        field("parameters", &Self::parameters,
              "rules on parameter names; the last rule that matches applies; without a match: frozen")};
  }
};

struct BatchSection {
  int64_t global = 64;
  int64_t micro = 8;
  double epochs = 0.0;
  int64_t max_steps = 0;

  static constexpr auto fields() {
    using Self = BatchSection;
    return std::tuple{
        field("global", &Self::global, "samples per step, over all ranks"),
        field("micro", &Self::micro, "samples per forward and backward pass"),
        field("epochs", &Self::epochs, "passes over the data (0: one, or as many as max_steps needs)"),
        field("max_steps", &Self::max_steps,
              "end after this many steps, or after `epochs` if that is sooner (0: no limit)")};
  }
};

struct DistributedSection {
  int64_t zero = 2;
  double bucket_mb = 100.0;
  double timeout_seconds = 600.0;
  double stop_seconds = 60.0;

  static constexpr auto fields() {
    using Self = DistributedSection;
    return std::tuple{
        field("zero", &Self::zero,
              "ZeRO stage: 0: every rank holds everything; 1: optimiser state is sharded; 2: gradients too"),
        field("bucket_mb", &Self::bucket_mb, "size of a communication bucket of gradients or weights"),
        field("timeout_seconds", &Self::timeout_seconds, "a rank that is silent for this long ends the run"),
        field("stop_seconds", &Self::stop_seconds,
              "after SIGTERM or Ctrl-C, a rank that has waited this long for other ranks or for images exits "
              "without a checkpoint")};
  }
};

struct CheckpointSection {
  int64_t every_steps = 500;
  int64_t keep_last = 2;
  std::string layout = "lmms";

  static constexpr auto fields() {
    using Self = CheckpointSection;
    return std::tuple{
        field("every_steps", &Self::every_steps, "steps between checkpoints (0: only at the end)"),
        field("keep_last", &Self::keep_last, "number of checkpoints to keep besides the best"),
        field("layout", &Self::layout,
              "lmms: for the authors' code, or LLaVA's if there is no Diff Expert; llava-hf: for "
              "transformers, only without Diff Expert")};
  }
};

struct EvaluationSection {
  int64_t every_steps = 0;
  bool every_epoch = true;
  std::string metric = "loss";
  int64_t max_pairs = 0;
  int64_t batch_size = 8;
  int64_t samples = 4;
  GenerationOptions generation;

  static constexpr auto fields() {
    using Self = EvaluationSection;
    return std::tuple{
        field("every_steps", &Self::every_steps, "steps between evaluations (0: none)"),
        field("every_epoch", &Self::every_epoch, "evaluate after each epoch"),
        field("metric", &Self::metric,
              "metric that selects the best checkpoint: s_star_m (the paper's), bleu_4, meteor, "
              "rouge_l, cider_d, change_accuracy (share of captions that tell change "
              "from no change correctly), or loss"),
        field("max_pairs", &Self::max_pairs, "number of pairs to evaluate on (0: all)"),
        field("batch_size", &Self::batch_size, "number of pairs captioned at once"),
        field("samples", &Self::samples, "number of captions to print"),
        field("generation", &Self::generation, "decoding of captions")};
  }
};

struct TrainConfig {
  std::string name = "train";
  std::string output;
  std::string device = "auto";
  int64_t threads = 0;
  double peak_tflops = 0.0;
  double memory_gb = 0.0;
  int64_t seed = 42;
  ModelSection model;
  DataSection data;
  BatchSection batch;
  LossSection loss;
  OptimizerSection optimizer;
  DistributedSection distributed;
  CheckpointSection checkpoint;
  EvaluationSection evaluation;

  static constexpr auto fields() {
    using Self = TrainConfig;
    return std::tuple{field("name", &Self::name, "name of the run or stage"),
                      field("output", &Self::output, "folder of the run: log, checkpoints"),
                      field("device", &Self::device, "cpu, cuda, or auto: GPUs if there are any"),
                      field("threads", &Self::threads, "CPU threads of a rank (0: cores / ranks)"),
                      field("peak_tflops", &Self::peak_tflops,
                            "peak of one device in model.dtype, for MFU (0: unknown); H100: 989"),
                      field("memory_gb", &Self::memory_gb,
                            "memory of one device, for --plan (0: unknown; on a CPU the machine's)"),
                      field("seed", &Self::seed, "seed of the sample order and of fresh weights"),
                      field("model", &Self::model, ""),
                      field("data", &Self::data, ""),
                      field("batch", &Self::batch, ""),
                      field("loss", &Self::loss, ""),
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
