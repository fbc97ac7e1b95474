/// LoRA adapters in the file format of PEFT: adapter_config.json and adapter_model.safetensors.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/io/checkpoint.h>

#include "model/shared/lora.h"

namespace ccexpert::model {

inline constexpr const char* kAdapterConfigFile = "adapter_config.json";
inline constexpr const char* kAdapterWeightsFile = "adapter_model.safetensors";

/// Values of adapter_config.json.
struct AdapterConfig {
  LoraSize size = {};
  bool sizes_differ = false;  ///< rank_pattern or alpha_pattern gives layers other sizes
  std::string base = {};      ///< base_model_name_or_path; empty: not stated
  /// Alpha of layers whose names end as the key does; the first match is used.
  std::vector<std::pair<std::string, double>> alphas = {};

  /// Returns the scale of a layer that the adapter's files name `name`.
  double scale_of(const std::string& name, int64_t rank) const;
};

/// Parses adapter_config.json; `source` begins messages. Throws Error for an adapter that is not LoRA, and
/// for settings that change its arithmetic (DoRA, trained biases, other whole modules).
AdapterConfig parse_adapter_config(std::string_view text, const std::string& source);

/// Low-rank product of one matrix, as stored.
struct AdapterLayer {
  std::string name;
  double scale = 1.0;
  at::Tensor a;  ///< [r,in]
  at::Tensor b;  ///< [out,r]
};

struct Adapter {
  std::filesystem::path folder;
  AdapterConfig config;
  std::vector<AdapterLayer> layers;  ///< with the names of the files, sorted
};

/// Opens a folder with an adapter. Throws Error for a missing file, a config that parse_adapter_config
/// refuses, and tensors that are not pairs A and B of matrices with finite floating-point values.
Adapter open_adapter(const std::filesystem::path& folder);

/// Returns the sizes {out, in} of the model's matrix with a name; nothing for another name.
using MatrixSizes = std::function<std::optional<std::vector<int64_t>>(const std::string& name)>;

/// Returns the adapter's layers with the model's names; files may have the names of any known layout. Throws
/// one Error for layers without a matrix and for sizes that do not fit.
std::vector<AdapterLayer> layers_for(const Adapter& adapter, const MatrixSizes& sizes);

/// Returns `weights` with each adapted matrix as W + scale * B A, computed in float32 when it is read.
std::unique_ptr<io::TensorSource> merged_weights(std::unique_ptr<io::TensorSource> weights,
                                                 const Adapter& adapter);

/// Opens a checkpoint folder of any known layout without an adapter that is in it.
io::Checkpoint open_plain_checkpoint(const std::filesystem::path& folder);

/// Returns the adapter beside the whole weights of a checkpoint folder, as training saves it; nothing if
/// there is none.
std::optional<Adapter> adapter_beside(const std::filesystem::path& folder);

/// Throws Error if a model is about to be written to a folder with an adapter: readers would merge it.
void expect_no_adapter_in(const std::filesystem::path& to);

/// Throws Error if a checkpoint folder has an adapter of its own, so that `adapter` would be a second one.
void expect_no_own_adapter(const std::filesystem::path& checkpoint, const std::filesystem::path& adapter);

/// Opens a checkpoint folder and merges the adapter of another folder; empty: none (open_model_checkpoint).
/// Throws Error if the checkpoint has an adapter of its own.
io::Checkpoint open_adapted_checkpoint(const std::filesystem::path& folder,
                                       const std::filesystem::path& adapter);

/// Gives the matrices of `model` the products of an adapter, unmerged.
LoraLayers attach_adapter(torch::nn::Module& model, const Adapter& adapter);

/// Adapter to write.
struct AdapterText {
  LoraSize size;
  std::string base;                          ///< folder or hub name of the base
  const io::WeightLayout* layout = nullptr;  ///< of the names; null: the model's
};

/// Returns adapter_config.json, which lists every layer by its whole name.
std::string adapter_config_json(const LoraLayers& layers, const AdapterText& text);
/// Returns A and B of each layer with PEFT's names. Names of the llava-hf layout are those of transformers 5.
std::vector<io::NamedTensor> adapter_tensors(const LoraLayers& layers, const io::WeightLayout* layout);

}  // namespace ccexpert::model
