// Vision tower whose weights lie in another folder than the model's, as LLaVA-1.5's.
#pragma once

#include <ccexpert/io/checkpoint.h>

namespace ccexpert::model {

/// Adds the weights of the tower that `mm_vision_tower` of config.json names if the checkpoint is a LLaVA-1.5
/// without them. The tower's folder is a path, or has the last part of the name or the name of a hub's cache
/// folder; it lies in the checkpoint's folder or beside it. If the checkpoint's config.json states no sizes
/// of the tower, those of the tower's own are added. Throws Error, with the places, if the folder is in none.
void add_separate_tower(io::Checkpoint& checkpoint);

}  // namespace ccexpert::model
