/// Layouts of checkpoint folders.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert::io {

/// Origin of the tensor names in a checkpoint's files. `Checkpoint::weights` has the authors' names in either
/// case. The authors' layout equals lmms-lab's without a Diff Expert.
enum class CheckpointLayout { kAuthors, kLlavaHf };
constexpr auto names_of(CheckpointLayout) {
  return std::to_array<Name<CheckpointLayout>>(
      {{CheckpointLayout::kAuthors, "lmms"}, {CheckpointLayout::kLlavaHf, "llava-hf"}});
}

}  // namespace ccexpert::io
