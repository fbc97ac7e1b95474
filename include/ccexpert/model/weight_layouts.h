/// Names of weights in checkpoint files, and tensors in them that the model does not compute with.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <ccexpert/io/checkpoint.h>

namespace ccexpert::model {

/// Layout of LlavaOnevisionForConditionalGeneration: reads the names of either generation of transformers,
/// and writes the names that hubs publish. A Diff Expert has no name in it.
const io::WeightLayout& llava_hf_layout();

/// Returns the names of a checkpoint's layout; null for the authors', which are the model's own.
const io::WeightLayout* weight_layout(io::CheckpointLayout layout);

/// io::open_checkpoint for any known layout; names are the model's, an adapter beside the weights is merged.
io::Checkpoint open_model_checkpoint(const std::filesystem::path& folder);

/// Returns the number of vocabulary rows of the lmms-lab checkpoint from which the published llava-hf
/// checkpoint with `llava_hf_rows` rows was made. The added rows belong to no token; the authors' evaluation
/// loads only lmms-lab's number. A checkpoint's weights omit added rows.
int64_t lmms_vocabulary_rows(int64_t llava_hf_rows);

/// True if a tensor with this name of the model's layout is not used in any computation, and may be ignored.
bool is_known_unused(std::string_view name);

/// Returns the tensors that are unused here but present in every SigLIP checkpoint: the norm after the last
/// block. Loaders of other programs report a checkpoint without them as incomplete.
std::vector<io::NamedTensor> tensors_for_others(const io::TensorSource& source, at::ScalarType dtype);

}  // namespace ccexpert::model
