// The model of a run with what belongs to it: tokenizer, preprocessing, the texts of its checkpoint.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/text/tokenizer.h>
#include <ccexpert/train/config.h>
#include <ccexpert/train/objective.h>
#include <ccexpert/train/parameter_groups.h>

namespace ccexpert::train {

struct RunModel {
  std::shared_ptr<CcexpertModel> model;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::shared_ptr<AuxiliaryHeads> heads;  ///< null where the objective has no auxiliary loss
  PreprocessConfig preprocess;
  std::string question;  ///< the user's turn: the config's, else the checkpoint's, else the reference's
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;  ///< that checkpoints of the run are saved in
  std::string config_json;                                       ///< of that layout
  std::vector<io::NamedTensor> for_others;  ///< saved beside the model's weights (tensors_for_others)
  std::filesystem::path folder;
  std::vector<io::CompanionFile>
      companions;  ///< of that layout; read at once: the folder may be a checkpoint that is removed later
};

/// From the folder that a run starts from (with its weights, or those that `model.fresh` asks for) or that it
/// goes on from. Throws Error where it does not fit the config.
RunModel start_run_model(const TrainConfig& config, at::Device device);
RunModel resume_run_model(const std::filesystem::path& checkpoint, const TrainConfig& config,
                          at::Device device);

/// The sizes that the run's model will have, without its weights.
ModelConfig run_model_config(const std::filesystem::path& folder, const TrainConfig& config);

/// What trains: the model's parameters as the config's rules have it, and all of the heads'.
std::vector<TrainableParameter> trainable_parameters(RunModel& run, const TrainConfig& config);

/// Elements of all parameters, trained or not, the heads' among them.
int64_t parameter_count(const RunModel& run);

/// File of the heads in a checkpoint's folder.
inline constexpr const char* kAuxiliaryFile = "auxiliary.safetensors";

/// "bfloat16" or "float32" of the config.
at::ScalarType run_dtype(const TrainConfig& config);

}  // namespace ccexpert::train
