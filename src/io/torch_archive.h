/// State dictionaries written by torch.save (.bin, .pt, .pth): a zip archive with a pickle.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Opens an archive with a dictionary of tensors by name. None of its code is executed: only tensors and
/// plain containers are supported. Tensors point into the mapped file if they are stored uncompressed, as
/// torch.save does. `inner`: if the dictionary has another one under this key, that one is read and its
/// neighbours are ignored. Throws Error naming the file, also for the format of PyTorch before 1.6.
std::unique_ptr<TensorSource> open_torch_archive(const std::filesystem::path& path,
                                                 std::string_view inner = {});

}  // namespace ccexpert::io
