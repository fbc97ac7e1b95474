#include "io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "core/file_kind.h"
#include "core/json.h"
#include "io/byte_reader.h"
#include "io/safetensors_types.h"

namespace ccexpert::io {
namespace {

using nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::string_view kExpected = "a safetensors file";

std::string what_of(const std::string& source, const std::string& tensor) {
  return fmt::format("{}: tensor {}", source, tensor);
}

/// Returns the JSON text after the length. Throws Error if the file is shorter than that length.
std::string_view header_text(std::string_view file, const std::string& source) {
  if (file.size() < kLengthBytes) {
    refuse_other_kind(file, source, kExpected);
    fail_expected({source, kExpected, fmt::format("{} bytes", file.size()), "truncated"});
  }
  const uint64_t length = little_endian(file.substr(0, kLengthBytes));
  if (length > std::min(kMaxHeaderBytes, file.size() - kLengthBytes)) {
    refuse_other_kind(file, source, kExpected);
    fail_expected({source, fmt::format("a safetensors header within its {} bytes", file.size()),
                   fmt::format("a header of {} bytes", length), "truncated, or not a safetensors file"});
  }
  return file.substr(kLengthBytes, length);
}

uint64_t unsigned_integer(const json& value, const std::string& what, std::string_view part) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    fail_expected({what, fmt::format("{} of non-negative integers", part), json_shown(value)});
  }
  return value.get<uint64_t>();
}

const json& array_member(const json& entry, const char* key, const std::string& what) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array())
    fail_expected({what, fmt::format("a list {}", key), found == entry.end() ? "none" : json_shown(*found)});
  return *found;
}

at::ScalarType dtype_of(const json& entry, const std::string& what) {
  const auto found = entry.find("dtype");
  const std::string name = found != entry.end() && found->is_string() ? found->get<std::string>() : "none";
  const auto dtype = dtype_from_safetensors(name);
  if (!dtype)
    fail_expected({what, "a dtype F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL", name.substr(0, 20)});
  return *dtype;
}

uint64_t byte_count(const std::vector<int64_t>& shape, at::ScalarType dtype, const std::string& what) {
  uint64_t bytes = element_bytes(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      fail(what, "its shape has more elements than fit in memory");
    }
  }
  return bytes;
}

/// Reads one entry of the header; `data` is the file after the header, from byte `data_start` on.
SafetensorsEntry read_entry(const std::string& name, const json& entry, uint64_t data_start,
                            std::string_view data, const std::string& source) {
  const std::string what = what_of(source, name);
  if (!entry.is_object()) fail_expected({what, "an object", entry.type_name()});
  SafetensorsEntry tensor{.name = name, .dtype = dtype_of(entry, what), .shape = {}};
  for (const auto& size : array_member(entry, "shape", what)) {
    tensor.shape.push_back(static_cast<int64_t>(unsigned_integer(size, what, "a shape")));
  }
  const auto& offsets = array_member(entry, "data_offsets", what);
  if (offsets.size() != 2) fail_expected({what, "two data_offsets", std::to_string(offsets.size())});
  const uint64_t begin = unsigned_integer(offsets[0], what, "data_offsets");
  const uint64_t end = unsigned_integer(offsets[1], what, "data_offsets");
  if (begin > end || end > data.size()) {
    fail_expected({what, fmt::format("bytes within the {} of data", data.size()),
                   fmt::format("{} to {}", begin, end), "truncated file?"});
  }
  const uint64_t expected = byte_count(tensor.shape, tensor.dtype, what);
  if (end - begin != expected) {
    fail_expected(
        {what, fmt::format("{} bytes for its shape and dtype", expected), std::to_string(end - begin)});
  }
  tensor.offset = data_start + begin;
  tensor.bytes = end - begin;
  return tensor;
}

/// Throws Error unless every byte of the data belongs to exactly one tensor, as the format requires.
void expect_exact_cover(const std::vector<SafetensorsEntry>& entries, uint64_t data_start,
                        uint64_t file_bytes, const std::string& source) {
  std::vector<const SafetensorsEntry*> order;
  for (const auto& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->offset, a->bytes) < std::tie(b->offset, b->bytes);
  });
  uint64_t next = data_start;
  for (const auto* entry : order) {
    if (entry->offset != next) {
      fail_expected({what_of(source, entry->name), fmt::format("data from byte {}", next - data_start),
                     std::to_string(entry->offset - data_start),
                     entry->offset < next ? "tensors overlap" : "a hole before it"});
    }
    next += entry->bytes;
  }
  if (next != file_bytes) {
    fail_expected({source, fmt::format("{} bytes", next), fmt::format("{} bytes", file_bytes),
                   "data after the last tensor"});
  }
}

}  // namespace

std::vector<SafetensorsEntry> read_safetensors_header(std::string_view file, const std::string& source) {
  const auto text = header_text(file, source);
  // Depth: header, tensor, shape. A tensor needs about nine values.
  const json header =
      parse_json(text, source, {.expected = "a safetensors header", .depth = 3, .values = size_t{1} << 22});
  if (!header.is_object())
    fail_expected({source, "a safetensors header (a JSON object)", header.type_name()});
  const uint64_t data_start = kLengthBytes + text.size();
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    entries.push_back(read_entry(name, entry, data_start, file.substr(data_start), source));
  }
  expect_exact_cover(entries, data_start, file.size(), source);
  return entries;
}

}  // namespace ccexpert::io
