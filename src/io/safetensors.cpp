#include <string_view>
#include <utility>

#include <ccexpert/io/safetensors.h>

#include "core/foreign_errors.h"
#include "io/mapped_tensors.h"
#include "io/safetensors_header.h"

namespace ccexpert::io {

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& path) try {
  auto file = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file->data()), file->size());
  auto source = std::make_unique<MappedTensors>(file);
  for (auto& entry : read_safetensors_header(bytes, path.string())) {
    source->add({.name = std::move(entry.name),
                 .dtype = entry.dtype,
                 .shape = std::move(entry.shape),
                 .file = path.string()},
                {.offset = entry.offset, .bytes = entry.bytes, .strides = {}});
  }
  file->expect_whole();
  source->finish();
  return source;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io
