#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/io/safetensors.h>

#include "core/json.h"
#include "io/mapped_tensors.h"
#include "io/safetensors_types.h"

namespace ccexpert::io {
namespace {

using nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr int kMaxHeaderDepth = 3;                 // header, tensor, shape

std::string what_of(const MappedFile& file, const std::string& tensor) {
  return fmt::format("{}: tensor {}", file.path().string(), tensor);
}

/// The JSON text behind the length; Error where the file is shorter than it says.
std::string_view header_text(const MappedFile& file) {
  const std::string name = file.path().string();
  if (file.size() < kLengthBytes) {
    fail({name, "a safetensors file", fmt::format("{} bytes", file.size()), "empty or truncated"});
  }
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<uint64_t>(file.data()[i]);
  if (length > std::min(kMaxHeaderBytes, file.size() - kLengthBytes)) {
    fail({name, fmt::format("a safetensors header within its {} bytes", file.size()),
          fmt::format("a header of {} bytes", length), "truncated, or no safetensors file"});
  }
  return {reinterpret_cast<const char*>(file.data()) + kLengthBytes, length};
}

/// Parses the header; a name that stands twice and nesting that the format does not have are errors, not
/// surprises.
json parse_header(std::string_view text, const std::string& name) {
  std::unordered_set<std::string> names;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxHeaderDepth) fail({name, "a safetensors header", "JSON nested too deeply"});
    if (event == json::parse_event_t::key && depth == 1 && !names.insert(parsed.get<std::string>()).second) {
      fail({name, "each tensor name once", fmt::format("{} twice", parsed.get<std::string>())});
    }
    return true;
  };
  try {
    json header = json::parse(text, watch);
    if (!header.is_object()) fail({name, "a safetensors header (a JSON object)", header.type_name()});
    return header;
  } catch (const json::exception&) {
    fail({name, "a safetensors header (JSON)", "other bytes", "damaged, or no safetensors file"});
  }
}

uint64_t unsigned_integer(const json& value, const std::string& what, std::string_view part) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    fail({what, fmt::format("{} of non-negative integers", part), value.dump().substr(0, 40)});
  }
  return value.get<uint64_t>();
}

const json& array_member(const json& entry, const char* key, const std::string& what) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array())
    fail({what, fmt::format("a list {}", key), entry.dump().substr(0, 60)});
  return *found;
}

at::ScalarType dtype_of(const json& entry, const std::string& what) {
  const auto found = entry.find("dtype");
  const std::string name = found != entry.end() && found->is_string() ? found->get<std::string>() : "none";
  const auto dtype = dtype_from_safetensors(name);
  if (!dtype) fail({what, "a dtype F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL", name.substr(0, 20)});
  return *dtype;
}

uint64_t byte_count(const std::vector<int64_t>& shape, at::ScalarType dtype, const std::string& what) {
  auto bytes = static_cast<uint64_t>(c10::elementSize(dtype));
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      fail(what, "its shape has more elements than fit in memory");
    }
  }
  return bytes;
}

/// One header entry, with offsets counted from the start of the file.
std::pair<TensorInfo, MappedTensors::Place> read_entry(const std::string& name, const json& entry,
                                                       const MappedFile& file, uint64_t data_start) {
  const std::string what = what_of(file, name);
  if (!entry.is_object()) fail({what, "an object", entry.type_name()});
  TensorInfo info{.name = name, .dtype = dtype_of(entry, what), .shape = {}, .file = file.path().string()};
  for (const auto& size : array_member(entry, "shape", what)) {
    info.shape.push_back(static_cast<int64_t>(unsigned_integer(size, what, "a shape")));
  }
  const auto& offsets = array_member(entry, "data_offsets", what);
  if (offsets.size() != 2) fail({what, "two data_offsets", std::to_string(offsets.size())});
  const uint64_t begin = unsigned_integer(offsets[0], what, "data_offsets");
  const uint64_t end = unsigned_integer(offsets[1], what, "data_offsets");
  const uint64_t available = file.size() - data_start;
  if (begin > end || end > available) {
    fail({what, fmt::format("bytes within the {} of data", available), fmt::format("{} to {}", begin, end),
          "truncated file?"});
  }
  const uint64_t expected = byte_count(info.shape, info.dtype, what);
  if (end - begin != expected) {
    fail({what, fmt::format("{} bytes for its shape and dtype", expected), std::to_string(end - begin)});
  }
  return {info, {.offset = data_start + begin, .bytes = end - begin, .strides = {}}};
}

/// Every byte of the data belongs to exactly one tensor, as the format demands.
void expect_exact_cover(std::vector<std::pair<MappedTensors::Place, std::string>> places,
                        const MappedFile& file, uint64_t data_start) {
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.offset, a.first.bytes) < std::tie(b.first.offset, b.first.bytes);
  });
  uint64_t next = data_start;
  for (const auto& [place, name] : places) {
    if (place.offset != next) {
      fail({what_of(file, name), fmt::format("data from byte {}", next - data_start),
            std::to_string(place.offset - data_start),
            place.offset < next ? "tensors overlap" : "a hole before it"});
    }
    next += place.bytes;
  }
  if (next != file.size()) {
    fail({file.path().string(), fmt::format("{} bytes", next), fmt::format("{} bytes", file.size()),
          "data behind the last tensor"});
  }
}

}  // namespace

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  const auto text = header_text(*file);
  const uint64_t data_start = kLengthBytes + text.size();
  const json header = parse_header(text, path.string());
  auto source = std::make_unique<MappedTensors>(file);
  std::vector<std::pair<MappedTensors::Place, std::string>> places;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto [info, place] = read_entry(name, entry, *file, data_start);
    places.emplace_back(place, name);
    source->add(std::move(info), std::move(place));
  }
  expect_exact_cover(std::move(places), *file, data_start);
  source->finish();
  return source;
}

}  // namespace ccexpert::io
