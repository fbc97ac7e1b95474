#include "io/state_pickle.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "io/pickle_values.h"

namespace ccexpert::io {
namespace {

constexpr size_t kMostDimensions = 64;
constexpr size_t kMostKeyBytes = 255;
constexpr uint64_t kMostElements = uint64_t{1} << 60;  // their bytes fit in 63 bits

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kStorages{{
    {"torch DoubleStorage", "F64"},
    {"torch FloatStorage", "F32"},
    {"torch HalfStorage", "F16"},
    {"torch BFloat16Storage", "BF16"},
    {"torch LongStorage", "I64"},
    {"torch IntStorage", "I32"},
    {"torch ShortStorage", "I16"},
    {"torch CharStorage", "I8"},
    {"torch ByteStorage", "U8"},
    {"torch BoolStorage", "BOOL"},
}};

/// Reader of a tensor's parts; `what` (file and tensor) starts every Error.
class TensorReader {
 public:
  TensorReader(const PickleMachine& machine, std::string what) : machine_(machine), what_(std::move(what)) {}

  /// Reads `_rebuild_tensor_v2(storage, offset, size, stride, ...)`.
  PickledTensor read(const PickleValue& value) const {
    const auto& parts = machine_.parts(value);
    if (parts.size() < 4) fail_as_damaged();
    PickledTensor tensor;
    read_storage(parts[0], tensor);
    tensor.offset = number(parts[1]);
    tensor.shape = numbers(parts[2]);
    tensor.strides = numbers(parts[3]);
    if (tensor.shape.size() != tensor.strides.size()) fail_as_damaged();
    tensor.extent = extent_of(tensor);
    return tensor;
  }

 private:
  /// Reads `("storage", type, key, place, elements)`.
  void read_storage(const PickleValue& value, PickledTensor& tensor) const {
    if (value.kind != PickleKind::kStorage) fail_as_damaged();
    const auto& parts = machine_.parts(value);
    if (parts.size() != 5 || parts[0].text != "storage" || parts[1].kind != PickleKind::kGlobal ||
        parts[2].kind != PickleKind::kText || parts[2].text.size() > kMostKeyBytes)
      fail_as_damaged();
    const auto known = std::find_if(kStorages.begin(), kStorages.end(),
                                    [&](const auto& each) { return each.first == parts[1].text; });
    if (known == kStorages.end())
      fail_expected({what_, "plain numbers", parts[1].text, "quantised and complex tensors are not read"});
    tensor.dtype = known->second;
    tensor.storage = parts[2].text;
    tensor.storage_elements = number(parts[4]);
  }

  /// Returns the elements from the first to the last. Throws Error if they exceed the storage.
  uint64_t extent_of(const PickledTensor& tensor) const {
    uint64_t elements = 1, last = tensor.offset;
    bool sane = true;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      const auto size = static_cast<uint64_t>(tensor.shape[i]);
      uint64_t step = 0;
      if (size == 0) return 0;
      sane = sane && !__builtin_mul_overflow(elements, size, &elements) && elements <= kMostElements &&
             !__builtin_mul_overflow(size - 1, static_cast<uint64_t>(tensor.strides[i]), &step) &&
             !__builtin_add_overflow(last, step, &last);
    }
    if (!sane || last >= tensor.storage_elements)
      fail_expected({what_, fmt::format("data within its storage of {} elements", tensor.storage_elements),
                     "more", "damaged file"});
    return last - tensor.offset + 1;
  }

  uint64_t number(const PickleValue& value) const {
    if (value.kind != PickleKind::kInteger || value.integer < 0) fail_as_damaged();
    return static_cast<uint64_t>(value.integer);
  }

  std::vector<int64_t> numbers(const PickleValue& value) const {
    if (value.kind != PickleKind::kTuple || machine_.parts(value).size() > kMostDimensions) fail_as_damaged();
    std::vector<int64_t> result;
    for (const auto& part : machine_.parts(value)) result.push_back(static_cast<int64_t>(number(part)));
    return result;
  }

  [[noreturn]] void fail_as_damaged() const {
    fail(what_, "its pickle does not describe a tensor", "damaged file");
  }

  const PickleMachine& machine_;
  std::string what_;
};

/// Returns the dictionary under the key `inner` of a dictionary with `entries`; null if there is none.
const PickleValue* inner_dictionary(const std::vector<PickleValue>& entries, std::string_view inner) {
  for (size_t i = 0; i + 1 < entries.size(); i += 2) {
    const bool named = entries[i].kind == PickleKind::kText && entries[i].text == inner;
    if (named && entries[i + 1].kind == PickleKind::kDictionary) return &entries[i + 1];
  }
  return nullptr;
}

}  // namespace

bool PickledTensor::contiguous() const {
  uint64_t stride = 1;
  for (size_t i = shape.size(); i > 0; --i) {
    if (shape[i - 1] != 1 && static_cast<uint64_t>(strides[i - 1]) != stride) return false;
    stride *= static_cast<uint64_t>(shape[i - 1]);
  }
  return true;
}

uint64_t PickledTensor::elements() const {
  uint64_t count = extent == 0 ? 0 : 1;
  for (const int64_t size : shape) count *= static_cast<uint64_t>(size);
  return count;
}

std::vector<PickledTensor> read_state_pickle(std::string_view pickle, std::string_view source,
                                             std::string_view inner) {
  PickleMachine machine(pickle, source);
  const auto content = machine.run();
  if (content.kind != PickleKind::kDictionary)
    fail_expected({source, "a dictionary of tensors", kind_name(content.kind)});
  const auto* nested = inner.empty() ? nullptr : inner_dictionary(machine.parts(content), inner);
  const auto& entries = machine.parts(nested == nullptr ? content : *nested);
  std::vector<PickledTensor> tensors;
  std::unordered_set<std::string_view> names;
  for (size_t i = 0; i + 1 < entries.size(); i += 2) {
    const auto& [key, value] = std::pair(entries[i], entries[i + 1]);
    if (key.kind != PickleKind::kText || value.kind != PickleKind::kTensor)
      fail_expected({source, "tensors by name",
                     key.kind == PickleKind::kText ? fmt::format("{} ({})", key.text, kind_name(value.kind))
                                                   : fmt::format("{} as a name", kind_name(key.kind)),
                     "only plain state dictionaries are read"});
    if (!names.insert(key.text).second)
      fail_expected({source, "each tensor name once", fmt::format("{} twice", key.text)});
    tensors.push_back(TensorReader(machine, fmt::format("{}: tensor {}", source, key.text)).read(value));
    tensors.back().name = key.text;
  }
  return tensors;
}

}  // namespace ccexpert::io
