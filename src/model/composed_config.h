// config.json of a base that is made of a vision tower and a language model.
#pragma once

#include <string>

#include <ccexpert/model/config.h>

#include "model/shared/composed_base.h"

namespace ccexpert::model {

/// Vision tower of a folder that is published alone.
struct TowerConfig {
  VisionConfig sizes;
  /// Side of the grid that the positions of NaFlex have, SigLIP2's variant for images of any size;
  /// `sizes.image_size` is then chosen. 0: a tower of one size.
  int64_t naflex_grid = 0;
};

/// Reads the tower's sizes; absent ones are those of SiglipVisionConfig of transformers, on which published
/// files rely. Throws Error for another model, and for a side that `options` sets without effect.
TowerConfig read_tower_config(const io::Checkpoint& vision, const ComposeOptions& options);

/// Returns config.json in lmms-lab's layout for a tower and a language model; other keys of the latter stay.
/// Throws Error for another language model.
std::string composed_config_json(const BaseParts& parts, const VisionConfig& tower);

}  // namespace ccexpert::model
