// Weights outside of a whole checkpoint folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Opens a *.safetensors file, a file of torch.save, or the weights of a folder with one or more files as
/// hubs have them. `inner`, for a single file: see open_torch_archive. Names stay as stored. Throws Error.
std::unique_ptr<TensorSource> open_weights(const std::filesystem::path& path, std::string_view inner = {});

}  // namespace ccexpert::io
