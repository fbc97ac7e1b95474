/// Checkpoint folders as hubs and training programs write them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/io/layout.h>
#include <ccexpert/io/safetensors.h>
#include <ccexpert/io/tensor_source.h>
#include <ccexpert/io/weight_layout.h>

namespace ccexpert::io {

struct Checkpoint {  ///< Opened checkpoint folder
  std::filesystem::path
      folder;               ///< actual folder of the files (a snapshot, if a hub's cache folder was named)
  std::string config_json;  ///< text of config.json
  /// Settings of the image processor: image_processor of processor_config.json, else the text of
  /// preprocessor_config.json; empty if neither exists.
  std::string preprocessor_json;
  std::string preprocessor_source;          ///< their place, for messages
  std::string generation_json;              ///< text of generation_config.json, empty if it does not exist
  const WeightLayout* layout = nullptr;     ///< layout of the files; null: their names are the model's
  std::unique_ptr<TensorSource> weights;    ///< with the model's names
  std::filesystem::path tower_folder = {};  ///< of a vision tower with files of its own; empty: none
};

/// Returns the folder with config.json: `folder` itself, or the snapshot of a hub's cache folder that
/// refs/main names. Throws Error if there is none.
std::filesystem::path resolve_folder(const std::filesystem::path& folder);

/// Models that a program can load. The texts are constants of the program.
struct KnownModels {
  std::vector<std::string_view> class_names = {};  ///< in `architectures` of config.json
  std::vector<std::string_view> types = {};        ///< `model_type` of config.json
  std::vector<const WeightLayout*> layouts = {};   ///< of their files, in addition to the model's names
};

/// Opens a folder with config.json and weights: model.safetensors or shards with an index, pytorch_model.bin
/// or its shards, or a *.safetensors of another name with a whole model. Also accepts a hub's cache folder
/// (models--*/snapshots/*, refs/main). Weights are mapped, not read. Throws Error, with a remedy, for a
/// folder with another model, an adapter, other checkpoints or something else, and one Error for all
/// differences between an index and its shards. If the tensors' names have the mark of one of
/// `known.layouts`, the first match, the weights get the model's names and numbers of vocabulary rows; names
/// that it does not know stay. Without `known`, a model with any name is accepted.
Checkpoint open_checkpoint(const std::filesystem::path& folder, const KnownModels& known = {});

/// Opens a folder with one part of a model, such as a vision tower or a language model, of any kind. The
/// weights keep their names. Throws Error for a quantised one, an adapter, and a folder without config.json.
Checkpoint open_part(const std::filesystem::path& folder);

/// File of a checkpoint's tokenizer or processor.
struct CompanionFile {
  std::string name;   ///< file name
  std::string bytes;  ///< content
};

/// Reads the files that a model needs in addition to config and weights: of the tokenizer, preprocessor,
/// generation. Throws Error if `folder` is not a folder, or has no tokenizer.
std::vector<CompanionFile> read_companions(const std::filesystem::path& folder);

/// Input of write_checkpoint.
struct CheckpointToWrite {
  std::filesystem::path folder;           ///< created if needed
  std::string config_json;                ///< written unchanged
  std::vector<NamedTensor> tensors;       ///< in the model's names, written in those of `layout`
  std::vector<CompanionFile> companions;  ///< written unchanged
  const WeightLayout* layout = nullptr;   ///< of the files; null: the model's names
  int64_t shard_bytes = 5'000'000'000;    ///< limit of tensor bytes in one file
  /// If several processes write one checkpoint, this call writes every `parts`-th file of weights, and part 0
  /// also writes all other files.
  int part = 0;
  int parts = 1;  ///< files of weights
  /// Gives the values of `tensors`. Every process asks for all of them in the same order, also for those that
  /// others write, and after an error too. Null: the tensors themselves.
  WholeTensor whole = nullptr;
};

/// Writes model.safetensors, or shards with model.safetensors.index.json, config.json and the tokenizer's
/// files, in the format that the reference implementation (or transformers) reads. Each file is written
/// completely or not at all; index and config, which refer to the weights, are written last. Returns the
/// files that this call wrote.
std::vector<std::filesystem::path> write_checkpoint(const CheckpointToWrite& checkpoint);

}  // namespace ccexpert::io
