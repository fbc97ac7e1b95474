#include "io/torch_archive.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/file_kind.h"
#include "core/foreign_errors.h"
#include "io/archive_tensors.h"
#include "io/safetensors_types.h"

namespace ccexpert::io {
namespace {

// About a hundred bytes per tensor are usual.
constexpr uint64_t kMostPickleBytes = uint64_t{64} << 20;

void expect_zip(std::string_view bytes, const std::string& source) {
  if (bytes.starts_with("PK\x03\x04")) return;
  constexpr std::string_view kExpected = "a zip archive as torch.save writes";
  refuse_other_kind(bytes, source, kExpected);
  const bool pickle = bytes.front() == '\x80';
  fail_expected(
      {source, kExpected, pickle ? "a pickle" : "other bytes",
       pickle ? "files of PyTorch before 1.6: load and save them again with a newer PyTorch, or convert to "
                "safetensors"
              : "damaged, or not a file of weights"});
}

/// Returns the folder of an archive's records, with its slash: that of the first record.
std::string root_of(const ZipArchive& archive, const std::string& source) {
  const auto& records = archive.records();
  const auto slash = records.empty() ? std::string::npos : records.front().name.find('/');
  const auto root = slash == std::string::npos ? std::string() : records.front().name.substr(0, slash + 1);
  if (archive.find(root + "constants.pkl") != nullptr)
    fail_expected(
        {source, "a state dictionary", "a TorchScript program", "save the model's state_dict() instead"});
  if (archive.find(root + "data.pkl") == nullptr)
    fail_expected({source, "an archive of torch.save with a record data.pkl", "another zip archive"});
  return root;
}

void expect_little_endian(const ZipArchive& archive, const std::string& root, const std::string& source) {
  const auto* record = archive.find(root + "byteorder");
  const auto order = record == nullptr ? "little" : archive.read(*record, 16);
  if (order != "little") fail_expected({source, "numbers in little-endian byte order", order});
}

const ZipRecord* record_of(const PickledTensor& tensor, const ZipArchive& archive, const std::string& root,
                           const std::string& source) {
  if (tensor.extent == 0) return nullptr;
  const auto* record = archive.find(fmt::format("{}data/{}", root, tensor.storage));
  if (record == nullptr)
    fail_expected({fmt::format("{}: tensor {}", source, tensor.name),
                   fmt::format("a record data/{}", tensor.storage), "none", "damaged file"});
  return record;
}

}  // namespace

std::unique_ptr<TensorSource> open_torch_archive(const std::filesystem::path& path,
                                                 std::string_view inner) try {
  const auto file = MappedFile::open(path);
  const auto source = path.string();
  const std::string_view bytes(reinterpret_cast<const char*>(file->data()), file->size());
  expect_zip(bytes, source);
  const auto archive = std::make_shared<const ZipArchive>(bytes, source);
  const auto root = root_of(*archive, source);
  expect_little_endian(*archive, root, source);
  const auto pickle = archive->read(*archive->find(root + "data.pkl"), kMostPickleBytes);
  auto tensors = std::make_unique<ArchiveTensors>(file, archive);
  for (const auto& tensor : read_state_pickle(pickle, source, inner)) {
    const auto dtype = dtype_from_safetensors(tensor.dtype);
    if (!dtype) fail_expected({source + ": " + tensor.name, "a known type of numbers", tensor.dtype});
    tensors->add(tensor, *dtype, record_of(tensor, *archive, root, source));
  }
  file->expect_whole();
  tensors->finish();
  return tensors;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io
