// Checkpoint folder that is opened for captions, before its weights are loaded.
#pragma once

#include <filesystem>
#include <optional>

#include <c10/core/TensorOptions.h>

#include <ccexpert/captioner.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/config.h>

#include "model/shared/adapter.h"

namespace ccexpert::generate {

struct OpenedModel {
  io::Checkpoint checkpoint;                 ///< merged with an adapter if that is not kept apart
  std::optional<model::Adapter> apart = {};  ///< adapter to keep apart
  std::filesystem::path score_folder = {};  ///< of the calibration of scores: the adapter's, else the model's
  model::ModelConfig config = {};
  at::Device device = at::kCPU;
  Precision precision = Precision::kStandard;  ///< of the weights
  int64_t feature_cache = 0;                   ///< CaptionerConfig::feature_cache

  /// Returns dtype and device of the parameters.
  at::TensorOptions tensor() const;
};

/// Opens `folder`, and sets the threads of the process. Throws Error for anything but a known model.
OpenedModel open_for_captions(const std::filesystem::path& folder, const CaptionerConfig& config);

/// Same for a part of several, which have no int8: auto is then standard.
OpenedModel open_part_for_captions(const std::filesystem::path& folder, CaptionerConfig config);

}  // namespace ccexpert::generate
