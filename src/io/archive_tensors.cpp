#include "io/archive_tensors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <zlib.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::io {
namespace {

constexpr uint64_t kSmallBytes = uint64_t{16} << 20;
constexpr uint64_t kMostGap = 64;

/// Computes the CRC-32 of a record, which may be many GB, with all threads of LibTorch.
uint32_t checksum_of(std::string_view bytes) {
  constexpr size_t kPiece = size_t{4} << 20;
  std::vector<uLong> parts((bytes.size() + kPiece - 1) / kPiece);
  const auto piece = [&](size_t i) { return bytes.substr(i * kPiece, kPiece); };
  at::parallel_for(0, static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      parts[i] = crc32_z(0, reinterpret_cast<const Bytef*>(piece(i).data()), piece(i).size());
    }
  });
  uLong sum = 0;
  for (size_t i = 0; i < parts.size(); ++i)
    sum = crc32_combine(sum, parts[i], static_cast<z_off_t>(piece(i).size()));
  return static_cast<uint32_t>(sum);
}

}  // namespace

ArchiveTensors::ArchiveTensors(std::shared_ptr<const MappedFile> file,
                               std::shared_ptr<const ZipArchive> archive)
    : file_(file), archive_(std::move(archive)), mapped_(std::move(file)) {}

void ArchiveTensors::add(const PickledTensor& pickled, at::ScalarType dtype, const ZipRecord* record) {
  TensorInfo info{
      .name = pickled.name, .dtype = dtype, .shape = pickled.shape, .file = file_->path().string()};
  if (record == nullptr) return mapped_.add(std::move(info), {});
  const auto item = static_cast<uint64_t>(c10::elementSize(dtype));
  expect_whole(pickled, *record, item);
  const Part part{record, pickled.offset * item, pickled.extent * item,
                  pickled.contiguous() ? std::vector<int64_t>{} : pickled.strides};
  parts_.emplace(pickled.name, part);
  checked_.try_emplace(record);
  mapped_.add(std::move(info), {.offset = record->offset + (record->deflated ? 0 : part.start),
                                .bytes = record->deflated ? record->stored : part.bytes,
                                .strides = part.strides});
}

/// Throws Error if the record's length differs from the pickle's: elements would be unread, or read from
/// another record.
void ArchiveTensors::expect_whole(const PickledTensor& pickled, const ZipRecord& record,
                                  uint64_t item) const {
  const auto what = fmt::format("{}: tensor {}", file_->path().string(), pickled.name);
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(pickled.storage_elements, item, &bytes) || record.bytes != bytes)
    fail_expected({what, fmt::format("a storage of {} elements of {} bytes", pickled.storage_elements, item),
                   fmt::format("{} bytes", record.bytes), "damaged file"});
  // Inflation for a view with gaps needs more memory than the view: only a bounded factor is allowed.
  if (record.deflated && pickled.extent * item > kSmallBytes &&
      pickled.extent / kMostGap > pickled.elements())
    fail_expected(
        {what, fmt::format("at most {} bytes for one element, as its storage is compressed", kMostGap * item),
         "a view with larger gaps", "save the weights anew with torch.save"});
}

at::Tensor ArchiveTensors::tensor(const std::string& name) const try {
  const auto found = parts_.find(name);
  if (found == parts_.end()) return mapped_.tensor(name);
  const auto& record = *found->second.record;
  if (record.deflated) return inflated(name, found->second);
  std::call_once(checked_.at(&record), [&] {
    if (record.checksum == 0) return;
    const auto checksum = checksum_of(archive_->stored(record));
    file_->expect_whole();
    archive_->expect_checksum(record, checksum);
  });
  return mapped_.tensor(name);
} catch (...) {
  rethrow_as_error();
}

at::Tensor ArchiveTensors::inflated(const std::string& name, const Part& part) const {
  const auto bytes = at::empty({static_cast<int64_t>(part.bytes)}, at::kByte);
  auto* data = static_cast<char*>(bytes.mutable_data_ptr());
  archive_->inflate(*part.record, part.start, {data, part.bytes});
  file_->expect_whole();
  return tensor_over(data, *find(name), part.strides, [bytes](void*) {});
}

}  // namespace ccexpert::io
