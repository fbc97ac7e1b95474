// Model of a run with its tokenizer, preprocessing and checkpoint texts.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/train/config.h>

#include "model/shared/lora.h"
#include "train/agreement.h"
#include "train/objective.h"
#include "train/parameter_groups.h"
#include "train/weight_shards.h"

namespace ccexpert::train {

/// The question is that of the config, else of the checkpoint, else of the reference.
struct RunModel : generate::LoadedModel {
  std::shared_ptr<AuxiliaryHeads> heads = {};  ///< null if the objective has no auxiliary loss
  model::LoraLayers lora = {};                 ///< on the model; empty without LoRA
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;  ///< layout of the run's checkpoints
  std::string config_json = {};                                  ///< of that layout
  std::vector<io::NamedTensor> for_others = {};  ///< saved beside the model's weights (tensors_for_others)
  std::filesystem::path folder = {};
  std::vector<io::CompanionFile> companions = {};  ///< of that layout; read eagerly, since the folder may be
                                                   ///< a checkpoint that is removed later
  std::string adapter_base = {};  ///< start that the run takes unchanged, absolute; empty: another base
  std::shared_ptr<WeightShards> shards = {};  ///< null: this rank holds all weights
  KeyValues stored_sums = {};  ///< with shards: sums of the whole tensors that this rank cut its shards from
};

/// Loads the model from the folder that a run starts from (with its weights, or with fresh ones as
/// `model.fresh` states) or resumes from. `ranks` share the weights, and each keeps only its shard of stored
/// ones (ZeRO stage 3); null: this rank holds all. Loading has no collective. Throws Error if the folder does
/// not match the config.
RunModel start_run_model(const TrainConfig& config, at::Device device,
                         distributed::Communicator* ranks = nullptr);
RunModel resume_run_model(const std::filesystem::path& checkpoint, const TrainConfig& config,
                          at::Device device, distributed::Communicator* ranks = nullptr);

/// Returns the sizes of the run's model without loading weights.
model::ModelConfig run_model_config(const TrainConfig& config);

/// Returns the trainable parameters: those of the model by the config's rules, and all of the heads'.
std::vector<TrainableParameter> trainable_parameters(RunModel& run, const TrainConfig& config);

/// Returns the number of elements of all parameters, trained or frozen, including the heads'.
int64_t parameter_count(const RunModel& run);

/// File of the heads in a checkpoint folder.
inline constexpr const char* kAuxiliaryFile = "auxiliary.safetensors";

/// Returns the number of elements of a communication bucket.
int64_t bucket_elements(const TrainConfig& config);

/// Returns the dtype of the config's "bfloat16" or "float32".
at::ScalarType run_dtype(const TrainConfig& config);

}  // namespace ccexpert::train
