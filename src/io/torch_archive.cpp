#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>
#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include <ccexpert/core/error.h>
#include <ccexpert/io/torch_archive.h>

#include "io/mapped_tensors.h"
#include "io/pickle_dialect.h"

namespace ccexpert::io {
namespace {

/// LibTorch's zip reader over a mapped file.
class MappedReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MappedReader(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}
  size_t size() const override { return file_->size(); }
  size_t read(uint64_t position, void* buffer, size_t bytes, const char*) const override {
    if (position >= file_->size()) return 0;
    const size_t count = std::min<uint64_t>(bytes, file_->size() - position);
    std::memcpy(buffer, file_->data() + position, count);
    return count;
  }

 private:
  std::shared_ptr<const MappedFile> file_;
};

/// Where a record's bytes lie in the file.
struct Record {
  uint64_t offset;
  uint64_t bytes;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(const std::shared_ptr<const MappedFile>& file)
      : file_(file), zip_(std::make_shared<MappedReader>(file)) {}

  std::unique_ptr<TensorSource> read() {
    auto content = unpickle();
    if (content.isTuple() && content.toTupleRef().size() == 2) content = content.toTupleRef().elements()[0];
    if (!content.isGenericDict()) fail({name(), "a dictionary of tensors", content.tagKind()});
    auto source = std::make_unique<MappedTensors>(file_);
    for (const auto& entry : content.toGenericDict()) {
      if (!entry.key().isString() || !entry.value().isTensor()) {
        const std::string key =
            entry.key().isString() ? entry.key().toStringRef() : "a key that is no string";
        fail({name(), "tensors by name", fmt::format("{} ({})", key, entry.value().tagKind()),
              "only plain state dictionaries are read"});
      }
      add(*source, entry.key().toStringRef(), entry.value().toTensor());
    }
    source->finish();
    return source;
  }

 private:
  std::string name() const { return file_->path().string(); }

  c10::IValue unpickle() {
    const auto [stored, size] = zip_.getRecord("data.pkl");
    const auto pickle = with_plain_dictionaries({static_cast<const char*>(stored.get()), size}, name());
    const char* next = pickle.data();
    size_t left = pickle.size();
    const auto read = [&](char* buffer, size_t bytes) {
      const size_t count = std::min(bytes, left);
      std::memcpy(buffer, next, count);
      next += count;
      left -= count;
      return count;
    };
    const auto no_class = [this](const c10::QualifiedName& type) -> c10::StrongTypePtr {
      fail({name(), "tensors and plain containers", type.qualifiedName()});
    };
    const auto no_object = [this](const at::StrongTypePtr&,
                                  const c10::IValue&) -> c10::intrusive_ptr<c10::ivalue::Object> {
      fail({name(), "tensors and plain containers", "an object"});
    };
    torch::jit::Unpickler unpickler(
        read, no_class, no_object, [this](const std::string& key) { return record(key); },
        at::Device(at::kCPU));
    return unpickler.parse_ivalue();
  }

  /// The bytes of a storage: in the mapping itself, so that nothing is read yet.
  at::DataPtr record(const std::string& key) {
    const std::string path = "data/" + key;
    if (!zip_.hasRecord(path)) fail({name(), "record " + path, "none"});
    const uint64_t offset = zip_.getRecordOffset(path);
    const uint64_t bytes = zip_.getRecordSize(path);
    if (offset > file_->size() || bytes > file_->size() - offset) {
      fail({name(), fmt::format("record {} within the file's {} bytes", path, file_->size()),
            fmt::format("{} bytes from {}", bytes, offset), "truncated, or stored compressed"});
    }
    auto* address = const_cast<std::byte*>(file_->data() + offset);
    records_[address] = {offset, bytes};
    return {address, at::Device(at::kCPU)};
  }

  /// The pickle states sizes, strides and offset on its own word: they are held against the record.
  void add(MappedTensors& source, const std::string& key, const at::Tensor& tensor) const {
    const std::string what = fmt::format("{}: tensor {}", name(), key);
    if (tensor.numel() == 0) {  // of no storage, or of one without bytes
      source.add({.name = key, .dtype = tensor.scalar_type(), .shape = tensor.sizes().vec(), .file = name()},
                 {});
      return;
    }
    const auto found = records_.find(static_cast<const std::byte*>(tensor.storage().data()));
    if (found == records_.end()) fail({what, "a storage of this file", "another"});
    const auto item = static_cast<uint64_t>(tensor.element_size());
    uint64_t last = static_cast<uint64_t>(tensor.storage_offset());
    bool sane = tensor.storage_offset() >= 0;
    for (int64_t i = 0; i < tensor.dim(); ++i) {
      sane = sane && tensor.size(i) >= 0 && tensor.stride(i) >= 0;
      if (!sane || tensor.size(i) == 0) continue;
      uint64_t extent = 0;
      sane = !__builtin_mul_overflow(static_cast<uint64_t>(tensor.size(i) - 1),
                                     static_cast<uint64_t>(tensor.stride(i)), &extent) &&
             !__builtin_add_overflow(last, extent, &last);
    }
    uint64_t end = 0;
    sane =
        sane && !__builtin_add_overflow(last, uint64_t{1}, &end) && !__builtin_mul_overflow(end, item, &end);
    const uint64_t start = static_cast<uint64_t>(tensor.storage_offset()) * item;
    if (!sane || end > found->second.bytes) {
      fail({what, fmt::format("data within its record of {} bytes", found->second.bytes), "more",
            "damaged file"});
    }
    source.add({.name = key, .dtype = tensor.scalar_type(), .shape = tensor.sizes().vec(), .file = name()},
               {.offset = found->second.offset + start,
                .bytes = end - start,
                .strides = tensor.is_contiguous() ? std::vector<int64_t>{} : tensor.strides().vec()});
  }

  std::shared_ptr<const MappedFile> file_;
  caffe2::serialize::PyTorchStreamReader zip_;
  std::unordered_map<const std::byte*, Record> records_;
};

void expect_zip(const MappedFile& file) {
  constexpr std::string_view kMagic = "PK\x03\x04";
  const std::string_view start(reinterpret_cast<const char*>(file.data()),
                               std::min<uint64_t>(file.size(), 4));
  if (start != kMagic) {
    fail({file.path().string(), "a zip archive as torch.save writes",
          file.size() == 0 ? "an empty file" : "other bytes",
          "files of PyTorch before 1.6: load and save them again with a newer PyTorch, or convert to "
          "safetensors"});
  }
}

/// LibTorch's messages go on with a stack trace; one line of them is the reason.
std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::unique_ptr<TensorSource> open_torch_archive(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  expect_zip(*file);
  try {
    return ArchiveReader(file).read();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    fail(path.string(), "cannot be read as a PyTorch archive", first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    fail(path.string(), "cannot be read as a PyTorch archive", first_line(error.what()));
  }
}

}  // namespace ccexpert::io
