/// Sections of a run's config about the model, its data and its losses.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>
#include <ccexpert/core/precision.h>
#include <ccexpert/text/prompt.h>
#include <ccexpert/train/choices.h>

namespace ccexpert::train {

/// Model to train.
struct ModelSection {
  std::string start;
  bool fresh = false;
  bool diff_expert = true;
  bool image_newline = true;
  int64_t image_size = 0;
  std::vector<int64_t> vision_layers;
  int64_t per_expert_depth = 0;
  Precision dtype = Precision::kBfloat16;
  bool recompute = true;
  double init_std = 0.02;
  double flag_init_std = 0.02;

  static constexpr auto fields() {
    using Self = ModelSection;
    return std::tuple{
        field("start", &Self::start,
              "checkpoint folder to start from; a base without Diff Expert gets a fresh one"),
        field("fresh", &Self::fresh,
              "take only sizes and tokenizer from `start`; all weights are drawn from the seed"),
        field("diff_expert", &Self::diff_expert,
              "false: a base without Diff Expert gets none (the baseline)"),
        field("image_newline", &Self::image_newline,
              "a base without Diff Expert keeps its learned vector after each image (false: "
              "the authors' baseline, mm_patch_merge_type flat)"),
        field(
            "image_size", &Self::image_size,
            "side of the square input in pixels; if it differs from the checkpoint's, the position embedding "
            "is interpolated (0: the checkpoint's)",
            at_least(0)),
        field("vision_layers", &Self::vision_layers,
              "hidden states that a fresh Diff Expert reads, counted from the end (empty: the paper's -11, "
              "-8, -5, -2); a start with a Diff Expert must have the same"),
        field(
            "per_expert_depth", &Self::per_expert_depth,
            "Change Aware Transformer layers of a fresh Diff Expert (0: the paper's 2); a start with a Diff "
            "Expert must have the same",
            at_least(0)),
        field("dtype", &Self::dtype,
              "precision of forward and backward passes (weights are updated in float32)",
              among(Precision::kBfloat16, Precision::kFloat32)),
        field("recompute", &Self::recompute,
              "gradient checkpointing: recompute activations of blocks in the backward pass, to save memory"),
        field("init_std", &Self::init_std, "standard deviation of fresh matrices", above(0)),
        field("flag_init_std", &Self::flag_init_std, "standard deviation of a fresh Diff Expert's flags",
              at_least(0))};
  }
};

/// Training data, and how samples are made from it.
struct DataSection {
  std::string train;
  std::string validation;
  std::string image_root;
  CaptionChoice captions = CaptionChoice::kFlatten;
  text::LabelStyle labels = text::LabelStyle::kReference;
  std::string question;
  text::PromptStyle prompt_style = text::PromptStyle::kUnset;
  int64_t max_tokens = 2048;
  Unreadable unreadable = Unreadable::kError;
  int64_t workers = 4;
  int64_t prefetch = 4;
  double cache_gb = 0.0;

  static constexpr auto fields() {
    using Self = DataSection;
    return std::tuple{
        field("train", &Self::train, "annotations (universal JSON) or data list (YAML) to train on"),
        field("validation", &Self::validation, "the same to evaluate on (empty: no evaluation)"),
        field("image_root", &Self::image_root,
              "base of relative image paths (empty: the annotations' folder)"),
        field("captions", &Self::captions,
              "flatten: every caption is a sample; flatten_unique: the same, but equal captions of a pair "
              "count once; random_choice: one drawn per pair and epoch"),
        field("labels", &Self::labels,
              "reference: as in the released code; caption_only: the caption and its end token"),
        field("question", &Self::question,
              "the user's turn (empty: the start's, else the reference's); saved with the model"),
        field("prompt_style", &Self::prompt_style,
              "ask the standard question as the released code words it (reference) or as the paper does "
              "(paper)"),
        field("max_tokens", &Self::max_tokens, "longer samples (image tokens included) count as unreadable",
              at_least(1)),
        field("unreadable", &Self::unreadable, "error: stop; skip: leave out and count"),
        field("workers", &Self::workers, "threads that decode and resize, per rank", kThreads),
        field("prefetch", &Self::prefetch, "micro-batches prepared ahead of the step", at_least(1)),
        field("cache_gb", &Self::cache_gb, "memory for resized images, per rank (0: none)", at_least(0))};
  }
};

/// Weights of the losses. The paper's recipes use only captions.
struct LossSection {
  double caption = 1.0;
  double mask = 0.0;
  double classes = 0.0;
  double tokens = 0.0;
  int64_t class_count = 7;
  double consensus = 0.0;
  /// True if a loss beside that of the captions counts.
  bool auxiliary() const { return mask > 0.0 || classes > 0.0 || tokens > 0.0; }
  bool needs_classes() const { return classes > 0.0 || tokens > 0.0; }  ///< True if class maps are needed

  static constexpr auto fields() {
    using Self = LossSection;
    return std::tuple{
        field("caption", &Self::caption,
              "weight of the captions' cross-entropy (0: the decoder does not run)", at_least(0)),
        field("mask", &Self::mask,
              "weight of predicting from Q* which patches changed (needs mask_path in the data)",
              at_least(0)),
        field("classes", &Self::classes,
              "weight of predicting a patch's classes from the vision features (needs classes1_path "
              "and classes2_path)",
              at_least(0)),
        field("tokens", &Self::tokens,
              "weight of predicting both from the projected image tokens, which the decoder reads (needs "
              "masks and class maps)",
              at_least(0)),
        field("class_count", &Self::class_count, "number of classes in the class maps", in_range(1, 255)),
        field("consensus", &Self::consensus,
              "weight each caption of a pair by its CIDEr-D against the pair's other captions to this power; "
              "the "
              "mean within a pair is 1 (0: equal weights)",
              in_range(0, 100))};
  }
};

}  // namespace ccexpert::train
