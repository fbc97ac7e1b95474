/// Sections of a run's config about its course: steps, checkpoints and evaluations.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>
#include <ccexpert/generate/options.h>
#include <ccexpert/io/layout.h>
#include <ccexpert/train/choices.h>

namespace ccexpert::train {

/// Training settings of the parameters whose names match a pattern.
struct ParameterRule {
  std::string pattern = "*";
  double lr_factor = 1.0;
  double weight_decay = 0.0;

  static constexpr auto fields() {
    using Self = ParameterRule;
    return std::tuple{
        field("pattern", &Self::pattern, "parameter names; * matches any characters"),
        field("lr_factor", &Self::lr_factor, "factor on the learning rate (0: frozen)", at_least(0)),
        field("weight_decay", &Self::weight_decay, "decoupled weight decay of AdamW", at_least(0))};
  }
};

struct OptimizerSection {  ///< Keys of the section `optimizer`
  double learning_rate = 1e-5;
  Decay schedule = Decay::kCosine;
  double warmup_ratio = 0.03;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double clip_norm = 1.0;
  std::vector<ParameterRule> parameters{{}};

  static constexpr auto fields() {
    using Self = OptimizerSection;
    return std::tuple{
        field("learning_rate", &Self::learning_rate, "base learning rate", above(0)),
        field("schedule", &Self::schedule, "course of the learning rate after the warm-up"),
        field("warmup_ratio", &Self::warmup_ratio, "share of steps used for warm-up", in_range(0, open(1))),
        field("beta1", &Self::beta1, "AdamW", in_range(0, open(1))),
        field("beta2", &Self::beta2, "AdamW", in_range(0, open(1))),
        field("eps", &Self::eps, "AdamW", above(0)),
        field("clip_norm", &Self::clip_norm, "limit of the global gradient norm (0: no clipping)",
              at_least(0)),
        field("parameters", &Self::parameters,
              "rules on parameter names; the last rule that matches applies; without a match: frozen")};
  }
};

struct BatchSection {  ///< Keys of the section `batch`
  int64_t global = 64;
  int64_t micro = 8;
  double epochs = 0.0;
  int64_t max_steps = 0;

  static constexpr auto fields() {
    using Self = BatchSection;
    return std::tuple{
        field("global", &Self::global, "samples per step, over all ranks", at_least(1)),
        field("micro", &Self::micro, "samples per forward and backward pass", at_least(1)),
        field("epochs", &Self::epochs, "passes over the data (0: one, or as many as max_steps needs)",
              at_least(0)),
        field("max_steps", &Self::max_steps,
              "end after this many steps, or after `epochs` if that is sooner (0: no limit)", at_least(0))};
  }
};

struct DistributedSection {  ///< Keys of the section `distributed`
  int64_t zero = 2;
  double bucket_mb = 100.0;
  double timeout_seconds = 600.0;
  double stop_seconds = 60.0;

  static constexpr auto fields() {
    using Self = DistributedSection;
    return std::tuple{
        field("zero", &Self::zero,
              "ZeRO stage: 0: every rank holds everything; 1: optimiser state is sharded; 2: gradients too; "
              "3: weights too, gathered block by block",
              in_range(0, 3)),
        field("bucket_mb", &Self::bucket_mb, "size of a communication bucket of gradients or weights",
              above(0)),
        field("timeout_seconds", &Self::timeout_seconds, "a rank that is silent for this long ends the run",
              above(0)),
        field("stop_seconds", &Self::stop_seconds,
              "after SIGTERM or Ctrl-C, a rank that has waited this long for other ranks or for images exits "
              "without a checkpoint",
              above(0))};
  }
};

struct CheckpointSection {  ///< Keys of the section `checkpoint`
  int64_t every_steps = 500;
  int64_t keep_last = 2;
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;

  static constexpr auto fields() {
    using Self = CheckpointSection;
    return std::tuple{
        field("every_steps", &Self::every_steps, "steps between checkpoints (0: only at the end)",
              at_least(0)),
        field("keep_last", &Self::keep_last, "number of checkpoints to keep besides the best", at_least(1)),
        field("layout", &Self::layout,
              "lmms: for the authors' code, or LLaVA's if there is no Diff Expert; llava-hf: for "
              "transformers, only without Diff Expert")};
  }
};

struct EvaluationSection {  ///< Keys of the section `evaluation`
  int64_t every_steps = 0;
  bool every_epoch = true;
  Metric metric = Metric::kLoss;
  int64_t max_pairs = 0;
  int64_t batch_size = 8;
  int64_t samples = 4;
  generate::GenerationOptions generation;

  static constexpr auto fields() {
    using Self = EvaluationSection;
    return std::tuple{
        field("every_steps", &Self::every_steps, "steps between evaluations (0: none)", at_least(0)),
        field("every_epoch", &Self::every_epoch, "evaluate after each epoch"),
        field("metric", &Self::metric,
              "metric that selects the best checkpoint; s_star_m: the paper's; change_accuracy: share of "
              "captions that tell change from no change correctly"),
        field("max_pairs", &Self::max_pairs, "number of pairs to evaluate on (0: all)", at_least(0)),
        field("batch_size", &Self::batch_size, "number of pairs captioned at once", at_least(1)),
        field("samples", &Self::samples, "number of captions to print", at_least(0)),
        field("generation", &Self::generation, "decoding of captions")};
  }
};

}  // namespace ccexpert::train
