/// A base to train from, made of a vision tower and a language model that are published alone.
#pragma once

#include <memory>
#include <string>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/diff_expert.h>

namespace ccexpert::model {

/// Folders of the parts, opened by io::open_part.
struct BaseParts {
  io::Checkpoint vision;   ///< SigLIP or SigLIP2, with or without its text model
  io::Checkpoint decoder;  ///< Qwen2, Qwen2.5 or Qwen3
};

struct ComposeOptions {
  /// Side of the square image in pixels, for NaFlex only (a tower without a size of its own); 0: the side of
  /// its position embedding.
  int64_t image_size = 0;
  FreshWeights fresh = {};  ///< of the projector
};

struct ComposedBase {
  std::string config_json;                    ///< in lmms-lab's layout
  std::unique_ptr<io::TensorSource> weights;  ///< in the model's names; the text model of a tower is left out
};

/// Joins the parts with a fresh projector (matrices normal with deviation `fresh.deviation`, biases 0),
/// without image_newline. The NaFlex variant of SigLIP2 becomes the equal tower of a fixed square: its patch
/// embedding reads channels first, and its positions are resized to the grid as transformers does for each
/// image (bilinear, antialiased). Throws Error for other parts, and for missing sizes.
ComposedBase compose_base(BaseParts parts, const ComposeOptions& options);

}  // namespace ccexpert::model
