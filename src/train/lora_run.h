// LoRA of a run: products on the model, what trains beside them, and the adapter's files.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/train/config.h>

#include "model/shared/adapter.h"
#include "train/parameter_groups.h"

namespace ccexpert::train {

/// Gives the config's targets in `model` products without values; none if `lora.rank` is 0. Throws Error for
/// a target without a match.
model::LoraLayers add_lora(model::CcexpertModel& model, const LoraSection& section);

/// Same with values: of the adapter in `saved` if it is not empty, else of the one that `lora.start` names,
/// else fresh. Throws Error for an adapter with another rank, alpha or other targets than the config's.
model::LoraLayers start_lora(model::CcexpertModel& model, const TrainConfig& config,
                             const std::filesystem::path& saved);

/// Returns the trainable weights: those that the rules choose; with LoRA, none by the usual single rule "*".
/// Freezes the others.
std::vector<TrainableParameter> trained_weights(model::CcexpertModel& model, const TrainConfig& config);

/// Returns A and B of the layers as trainable parameters.
std::vector<TrainableParameter> lora_trainables(const model::LoraLayers& lora, const TrainConfig& config);

/// Returns the trainable parameters of the model: those that the rules choose, then A and B of the layers.
/// With LoRA, the usual single rule "*" chooses nothing. Throws Error for a rule that trains a matrix with a
/// product.
std::vector<TrainableParameter> model_parameters(model::CcexpertModel& model, const model::LoraLayers& lora,
                                                 const TrainConfig& config);

/// True for the name of a parameter of a LoRA product.
bool is_lora_parameter(const std::string& name);
/// True if all parameters are of LoRA products.
bool trains_only_lora(const std::vector<TrainableParameter>& trained);

/// True for the name of a weight that the run neither trains nor draws. `draws_expert`: the Diff Expert is
/// fresh.
using IsFrozen = std::function<bool(const std::string& weight)>;
IsFrozen frozen_weights(const TrainConfig& config, bool draws_expert);

/// Throws Error if LoRA with the usual single rule would leave a fresh Diff Expert as it was drawn.
void expect_trained_expert(const model::LoraLayers& lora, const TrainConfig& config);

/// Files of a run's adapter in PEFT's format.
struct AdapterFiles {
  std::string config_json;  ///< empty: the run has no LoRA
  std::vector<io::NamedTensor> tensors = {};
};

/// Returns the files of an adapter that belongs to the weights in `base`.
AdapterFiles adapter_files(const model::LoraLayers& lora, const TrainConfig& config,
                           const std::filesystem::path& base);

}  // namespace ccexpert::train
