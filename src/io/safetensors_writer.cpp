#include <algorithm>
#include <vector>

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/safetensors.h>

#include "core/atomic_file.h"
#include "core/foreign_errors.h"
#include "io/safetensors_types.h"

namespace ccexpert::io {
namespace {

constexpr size_t kAlignment = 8;

std::vector<const NamedTensor*> sorted(std::span<const NamedTensor> tensors,
                                       const std::filesystem::path& path) {
  std::vector<const NamedTensor*> order;
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  const auto twice = std::adjacent_find(order.begin(), order.end(),
                                        [](const auto* a, const auto* b) { return a->name == b->name; });
  if (twice != order.end())
    fail_expected({path.string(), "each tensor name once", (*twice)->name + " twice"});
  return order;
}

std::string header_of(const std::vector<const NamedTensor*>& order,
                      const std::map<std::string, std::string>& metadata, const std::filesystem::path& path) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto* item : order) {
    const auto dtype = dtype_to_safetensors(item->tensor.scalar_type());
    if (dtype.empty()) {
      fail_expected({fmt::format("{}: tensor {}", path.string(), item->name),
                     "a dtype that safetensors supports", at::toString(item->tensor.scalar_type())});
    }
    const uint64_t end = offset + item->tensor.nbytes();
    header[item->name] = {
        {"dtype", dtype}, {"shape", item->tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.empty() ? "{}" : header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

/// Returns the values of a tensor, which have its dtype and shape.
at::Tensor values_of(const NamedTensor& item) {
  if (!item.make) return item.tensor;
  auto values = item.make();
  const bool fits =
      values.scalar_type() == item.tensor.scalar_type() && values.sizes() == item.tensor.sizes();
  if (!fits) fail("tensor " + item.name, "its values have another dtype or shape");
  return values;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata, const WholeTensor& whole) try {
  const auto order = sorted(tensors, path);
  const std::string header = header_of(order, metadata, path);
  std::string length(8, '\0');
  for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const auto* item : order) {
    const auto tensor = whole ? whole(item->tensor) : values_of(*item);
    const auto bytes = tensor.detach().to(at::kCPU).contiguous();
    file.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  file.commit();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io
