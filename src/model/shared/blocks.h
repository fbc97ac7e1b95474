/// Blocks that parts run through their BlockRunner, by the names of their weights.
#pragma once

#include <string_view>

namespace ccexpert::model {

/// Returns the name of the block's module that contains a weight with this name; empty for a weight outside
/// of blocks. Only a block's own pass through its runner reads its weights.
std::string_view block_of(std::string_view weight);

}  // namespace ccexpert::model
