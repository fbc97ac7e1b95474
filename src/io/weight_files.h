// Files of weights in a checkpoint folder.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Opens the weights of a folder: model.safetensors or the shards of its index, else pytorch_model.bin or the
/// shards of its index, else the only other *.safetensors with a whole model. Files of an adapter, an
/// optimizer or averaged weights are never used. Throws Error for an index that does not match its shards.
std::vector<std::unique_ptr<TensorSource>> open_weight_files(const std::filesystem::path& folder);

}  // namespace ccexpert::io
