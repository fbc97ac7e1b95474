// The architectures that a config.json can name, in one table.
#pragma once

#include <span>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/io/weight_layout.h>
#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::model {

/// One row of the table. Functions that several rows share are in the files of their format.
struct Architecture {
  std::string_view type;        ///< `model_type` of config.json
  std::string_view class_name;  ///< in `architectures` of config.json
  /// True if a config.json has this architecture's keys. They decide, since published files name others.
  bool (*has_keys)(const nlohmann::json& config);
  /// Fills `config`. `source` starts error messages. Throws Error, or an exception of the JSON library for a
  /// value of another type.
  void (*parse)(const nlohmann::json& json, ModelConfig& config, std::string_view source);
  ModelParts (*build)(const ModelConfig& config, const at::TensorOptions& options);
  /// Returns the layout of the weights; null: the model's names.
  const io::WeightLayout* (*layout)();
};

std::span<const Architecture> architectures();

/// Returns the first architecture whose keys `config` has; the last of the table if there is none.
const Architecture& architecture_of(const nlohmann::json& config);

/// Returns the architecture with this `model_type`. Throws Error if there is none.
const Architecture& architecture_named(std::string_view type);

}  // namespace ccexpert::model
