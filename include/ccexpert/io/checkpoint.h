/// Checkpoint folders as hubs and training programs write them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/io/safetensors.h>
#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Origin of the tensor names in a checkpoint's files. `Checkpoint::weights` has the authors' names in either
/// case.
enum class CheckpointLayout { kAuthors, kLlavaHf };

struct Checkpoint {
  std::filesystem::path
      folder;               ///< actual folder of the files (a snapshot, if a hub's cache folder was named)
  std::string config_json;  ///< text of config.json
  /// Settings of the image processor: image_processor of processor_config.json, else the text of
  /// preprocessor_config.json; empty if neither exists.
  std::string preprocessor_json;
  std::string preprocessor_source;  ///< their place, for messages
  std::string generation_json;      ///< text of generation_config.json, empty if it does not exist
  CheckpointLayout layout = CheckpointLayout::kAuthors;
  std::unique_ptr<TensorSource> weights;
};

/// Returns the folder with config.json: `folder` itself, or the snapshot of a hub's cache folder that
/// refs/main names. Throws Error if there is none.
std::filesystem::path resolve_folder(const std::filesystem::path& folder);

/// Opens a folder with config.json and weights: model.safetensors or shards with an index, pytorch_model.bin
/// or its shards, or a *.safetensors of another name with a whole model. Also accepts a hub's cache folder
/// (models--*/snapshots/*, refs/main). Weights are mapped, not read. Throws Error, with a remedy, for a
/// folder with another model, an adapter, other checkpoints or something else, and one Error for all
/// differences between an index and its shards.
Checkpoint open_checkpoint(const std::filesystem::path& folder);

/// True if a tensor of the authors' layout is not used in any computation, and may be ignored.
bool is_known_unused(std::string_view name);

/// Returns the tensors that are unused here but present in every SigLIP checkpoint: the norm after the last
/// block. Loaders of other programs report a checkpoint without them as incomplete.
std::vector<NamedTensor> tensors_for_others(const TensorSource& source, at::ScalarType dtype);

/// Returns the authors' name of a tensor of the llava-hf layout (either generation of transformers); empty if
/// it has none.
std::string authors_name(std::string_view llava_hf_name);

/// Returns the published llava-hf name of a tensor of the authors' layout; empty if it has none, as for a
/// Diff Expert.
std::string llava_hf_name(std::string_view authors_name);

/// Returns the number of vocabulary rows of the lmms-lab checkpoint from which the published llava-hf
/// checkpoint with `llava_hf_rows` rows was made. The added rows belong to no token; the authors' evaluation
/// loads only lmms-lab's number. `Checkpoint::weights` omits added rows.
int64_t lmms_vocabulary_rows(int64_t llava_hf_rows);

/// File of a checkpoint's tokenizer or processor.
struct CompanionFile {
  std::string name;
  std::string bytes;
};

/// Reads the files that a model needs in addition to config and weights: of the tokenizer, preprocessor,
/// generation. Throws Error if `folder` is not a folder, or has no tokenizer.
std::vector<CompanionFile> read_companions(const std::filesystem::path& folder);

/// Input of write_checkpoint.
struct CheckpointToWrite {
  std::filesystem::path folder;           ///< created if needed
  std::string config_json;                ///< in `layout`
  std::vector<NamedTensor> tensors;       ///< in the authors' names, written in those of `layout`
  std::vector<CompanionFile> companions;  ///< written unchanged
  CheckpointLayout layout = CheckpointLayout::kAuthors;  ///< of the files
  int64_t shard_bytes = 5'000'000'000;                   ///< limit of tensor bytes in one file
  /// If several processes write one checkpoint, this call writes every `parts`-th file of weights, and part 0
  /// also writes all other files.
  int part = 0;
  int parts = 1;
};

/// Writes model.safetensors, or shards with model.safetensors.index.json, config.json and the tokenizer's
/// files, in the format that the reference implementation (or transformers) reads. Each file is written
/// completely or not at all; index and config, which refer to the weights, are written last. Returns the
/// files that this call wrote.
std::vector<std::filesystem::path> write_checkpoint(const CheckpointToWrite& checkpoint);

}  // namespace ccexpert::io
