/// A checkpoint folder as hubs and training programs leave it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/io/safetensors.h>
#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Whose tensor names a checkpoint's files hold. `Checkpoint::weights` has the authors' names in either case.
enum class CheckpointLayout { kAuthors, kLlavaHf };

struct Checkpoint {
  std::filesystem::path
      folder;               ///< where the files really lie (a snapshot, if a hub's cache folder was named)
  std::string config_json;  ///< text of config.json
  /// The image processor's settings: image_processor of processor_config.json, else the text of
  /// preprocessor_config.json; empty if there is neither.
  std::string preprocessor_json;
  std::string preprocessor_source;  ///< where they stand, for messages
  std::string generation_json;      ///< text of generation_config.json, empty if there is none
  CheckpointLayout layout = CheckpointLayout::kAuthors;
  std::unique_ptr<TensorSource> weights;
};

/// Opens a folder with config.json and weights: model.safetensors or shards with an index, pytorch_model.bin
/// or its shards, or a *.safetensors of another name that holds a whole model. Also a hub's cache folder
/// (models--*/snapshots/*, refs/main). Weights are mapped, not read. Throws Error, with what to do, for a
/// folder that holds another model, an adapter, other checkpoints or something else, and one Error for what
/// an index and its shards disagree on.
Checkpoint open_checkpoint(const std::filesystem::path& folder);

/// Whether a tensor of the authors' layout is one that nothing computes with, and may be ignored.
bool is_known_unused(std::string_view name);

/// The tensors that nothing here computes with and that every SigLIP checkpoint has: the norm behind the last
/// block. Loaders of other programs report a checkpoint without them as incomplete.
std::vector<NamedTensor> tensors_for_others(const TensorSource& source, at::ScalarType dtype);

/// The authors' name of a tensor of the llava-hf layout (either generation of transformers); empty where it
/// has none.
std::string authors_name(std::string_view llava_hf_name);

/// The published llava-hf name of a tensor of the authors' layout; empty where it has none, as a Diff
/// Expert's have.
std::string llava_hf_name(std::string_view authors_name);

/// Vocabulary rows of the lmms-lab checkpoint that the published llava-hf one with so many was made from. The
/// added rows belong to no token; the authors' evaluation loads only lmms-lab's number. `Checkpoint::weights`
/// has no added rows.
int64_t lmms_vocabulary_rows(int64_t llava_hf_rows);

/// A tokenizer's or processor's file of a checkpoint.
struct CompanionFile {
  std::string name;
  std::string bytes;
};

/// The files beside config and weights that a model needs: of the tokenizer, preprocessor, generation. Throws
/// Error where `folder` is none, or has no tokenizer.
std::vector<CompanionFile> read_companions(const std::filesystem::path& folder);

/// What write_checkpoint writes.
struct CheckpointToWrite {
  std::filesystem::path folder;           ///< made if need be
  std::string config_json;                ///< of `layout`
  std::vector<NamedTensor> tensors;       ///< in the authors' names, written in those of `layout`
  std::vector<CompanionFile> companions;  ///< written as they are
  CheckpointLayout layout = CheckpointLayout::kAuthors;  ///< of the files
  int64_t shard_bytes = 5'000'000'000;                   ///< most tensor bytes of one file
  /// Where several processes write one checkpoint: this call writes every `parts`-th file of weights, and
  /// part 0 all else.
  int part = 0;
  int parts = 1;
};

/// Writes model.safetensors, or shards with model.safetensors.index.json, config.json and the tokenizer's
/// files, as the reference implementation (or transformers) reads them. Each file appears whole or not at
/// all, and what leads to the weights (index, config) comes last. Returns the files that this call wrote.
std::vector<std::filesystem::path> write_checkpoint(const CheckpointToWrite& checkpoint);

}  // namespace ccexpert::io
