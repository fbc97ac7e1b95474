/// Everything that defines a training run, as its YAML file has it. Fields are listed once; reading, the
/// resolved copy beside each checkpoint, and messages derive from the lists.
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
    return std::tuple{field("learning_rate", &Self::learning_rate, "base learning rate"),
                      field("schedule", &Self::schedule, "cosine or constant, after the warm-up"),
                      field("warmup_ratio", &Self::warmup_ratio, "share of steps that warm up"),
                      field("beta1", &Self::beta1, "AdamW"),
                      field("beta2", &Self::beta2, "AdamW"),
                      field("eps", &Self::eps, "AdamW"),
                      field("clip_norm", &Self::clip_norm, "global gradient norm is cut to this (0: not)"),
                      field("parameters", &Self::parameters,
                            "rules on parameter names; the last that matches holds; none: frozen")};
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
        field("global", &Self::global, "samples of one step, over all ranks"),
        field("micro", &Self::micro, "samples that pass through the model at once"),
        field("epochs", &Self::epochs, "passes over the data (0: one, or as many as max_steps takes)"),
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
              "0: ranks hold everything; 1: optimiser state, 2: also gradients shared out"),
        field("bucket_mb", &Self::bucket_mb, "gradients that travel together"),
        field("timeout_seconds", &Self::timeout_seconds, "a rank that is silent this long ends the run"),
        field("stop_seconds", &Self::stop_seconds,
              "after SIGTERM or Ctrl-C, a rank that waits this long for the others ends without them")};
  }
};

struct CheckpointSection {
  int64_t every_steps = 500;
  int64_t keep_last = 2;
  std::string layout = "lmms";

  static constexpr auto fields() {
    using Self = CheckpointSection;
    return std::tuple{
        field("every_steps", &Self::every_steps, "save after so many steps (0: at the end alone)"),
        field("keep_last", &Self::keep_last, "checkpoints to keep beside the best"),
        field("layout", &Self::layout,
              "lmms: for the authors' code, or LLaVA's where there is no Diff Expert; llava-hf: for "
              "transformers, without Diff Expert alone")};
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
    return std::tuple{field("every_steps", &Self::every_steps, "evaluate after so many steps (0: not)"),
                      field("every_epoch", &Self::every_epoch, "evaluate after each epoch"),
                      field("metric", &Self::metric,
                            "what the best checkpoint is chosen by: s_star_m (the paper's), bleu_4, meteor, "
                            "rouge_l, cider_d, change_accuracy (whether captions say rightly that nothing "
                            "changed), or loss"),
                      field("max_pairs", &Self::max_pairs, "pairs to evaluate on (0: all)"),
                      field("batch_size", &Self::batch_size, "pairs captioned at once"),
                      field("samples", &Self::samples, "captions to print"),
                      field("generation", &Self::generation, "how captions are decoded")};
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
                      field("device", &Self::device, "cpu, cuda, or auto: GPUs where there are some"),
                      field("threads", &Self::threads, "CPU threads of a rank (0: cores / ranks)"),
                      field("peak_tflops", &Self::peak_tflops,
                            "what one device can do in the passes' dtype, for MFU (0: unknown); H100: 989"),
                      field("memory_gb", &Self::memory_gb,
                            "memory of one device, for --plan (0: not known; on a CPU the machine's)"),
                      field("seed", &Self::seed, "of the order of samples and of fresh weights"),
                      field("model", &Self::model, ""),
                      field("data", &Self::data, ""),
                      field("batch", &Self::batch, ""),
                      field("loss", &Self::loss, ""),
                      field("optimizer", &Self::optimizer, ""),
                      field("distributed", &Self::distributed, ""),
                      field("checkpoint", &Self::checkpoint, ""),
                      field("evaluation", &Self::evaluation, "")};
  }

  /// Throws Error for values out of range, for combinations that cannot be and for values without effect,
  /// naming the key.
  void validate() const;
};

/// Reads a run's file: one stage, or several under `stages:`, each a section of its own over what stands
/// beside it. A stage after the first starts from a checkpoint of the one before, by its key `start_from` the
/// best (default) or the last. What stands beside the list and has no effect in one of the stages is left out
/// there. `overrides` are "section.key=value" and hold for every stage. Relative paths stay as they are.
/// Throws Error naming file, line and key.
std::vector<TrainConfig> read_train_config(const std::filesystem::path& path,
                                           const std::vector<std::string>& overrides);

/// The config as YAML, every value spelled out.
std::string to_yaml_text(const TrainConfig& config);

}  // namespace ccexpert::train
