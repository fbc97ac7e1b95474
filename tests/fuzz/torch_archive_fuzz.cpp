// A zip archive of torch.save. The mutator corrects checksums, so that inputs get past them.
#include <cstring>
#include <span>

#include <ATen/ATen.h>
#include <zlib.h>

#include "fuzz/target.h"
#include "io/torch_archive.h"
#include "io/zip_archive.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed);

namespace ccexpert::fuzz {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 24;
constexpr std::string_view kEntry = "PK\x01\x02";
constexpr size_t kEntryBytes = 46, kChecksumInEntry = 16;

/// The checksum of a record that is stored plain; 0 (none recorded) for a compressed one.
uint32_t checksum_of(const io::ZipArchive& archive, const io::ZipRecord& record) {
  if (!record.deflated) {
    const auto bytes = archive.stored(record);
    return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }
  return 0;
}

/// Writes these checksums into the entries of the directory.
void mend_checksums(std::span<uint8_t> bytes) {
  try {
    const io::ZipArchive archive(text_of(bytes.data(), bytes.size()), "x.bin");
    size_t at = 0;
    for (const auto& record : archive.records()) {
      at = text_of(bytes.data(), bytes.size()).find(kEntry, at);
      if (at == std::string_view::npos || bytes.size() - at < kEntryBytes) return;
      const auto checksum = checksum_of(archive, record);
      std::memcpy(bytes.data() + at + kChecksumInEntry, &checksum, sizeof(checksum));
      at += kEntryBytes;
    }
  } catch (const Error&) {
    // The checksums of an archive that cannot be opened do not matter.
  }
}

void read_records(std::string_view bytes) {
  reads([&] {
    const io::ZipArchive archive(bytes, "x.bin");
    for (const auto& record : archive.records()) reads([&] { archive.read(record, kMostBytes); });
  });
}

void read_tensors(const std::filesystem::path& path) {
  reads([&] {
    const auto source = io::open_torch_archive(path);
    for (const auto& info : source->tensors()) {
      reads([&] {
        const auto tensor = source->tensor(info.name);
        if (tensor.numel() > 0 && tensor.numel() < int64_t{1} << 20) tensor.to(at::kFloat).sum();
      });
    }
  });
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  const size_t result = LLVMFuzzerMutate(data, size, most);
  // Keep some wrong checksums: readers must refuse them.
  if (seed % 8 != 0) ccexpert::fuzz::mend_checksums({data, result});
  return result;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto bytes = fuzz::text_of(data, size);
  fuzz::read_records(bytes);
  fuzz::read_tensors(fuzz::Folder::shared().write("x.bin", bytes));
  return 0;
}
