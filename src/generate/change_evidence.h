// Maps of change from the features of encoded pairs.
#pragma once

#include <filesystem>
#include <optional>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

#include "core/change_calibration.h"

namespace ccexpert::generate {

/// Encoded pairs: what the projector gets, and the features of the vision transformer.
struct EncodedPairs {
  model::ImageTokens images;  ///< the features for the projector are in `tokens`
  at::Tensor features;        ///< deepest patch features of the vision transformer [2B,N,D]
  int64_t outside = 0;        ///< tokens of an image before those of its patches
};

/// Returns the change of each patch [B,N] in [0, 1], float32 on the CPU: from the cosine distance of the
/// vision transformer's features, times the mean square of Q*, relative to that of the image, if there is
/// one.
at::Tensor change_maps(const EncodedPairs& pairs);

/// Returns the strength of the change of a map [N] in [0, 1]: the mean of its largest values.
double change_strength(const at::Tensor& map);

/// Returns the calibration in a model's folder; nothing without one. Throws Error for a damaged file.
std::optional<ChangeCalibration> calibration_beside(const std::filesystem::path& folder);

}  // namespace ccexpert::generate
