// Tensors in the records of a zip archive, uncompressed or compressed.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/mapped_tensors.h"
#include "io/state_pickle.h"
#include "io/zip_archive.h"

namespace ccexpert::io {

/// Tensors of an uncompressed record point into the mapping. A compressed record is inflated at each request
/// for one of its tensors, and only the tensor's own bytes are kept. A record's checksum is verified at the
/// first request for one of its tensors: its bytes are then read anyway, and opening stays fast. Throws Error
/// if it differs.
class ArchiveTensors : public TensorSource {
 public:
  ArchiveTensors(std::shared_ptr<const MappedFile> file, std::shared_ptr<const ZipArchive> archive);

  /// Adds a tensor whose storage is `record` (null for a tensor without elements). Throws Error if the
  /// lengths of record and storage differ.
  void add(const PickledTensor& pickled, at::ScalarType dtype, const ZipRecord* record);
  /// Must be called once, before all other calls except `add`.
  void finish() { mapped_.finish(); }

  const std::vector<TensorInfo>& tensors() const override { return mapped_.tensors(); }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { mapped_.release(name); }

 private:
  /// Bytes of a record that a tensor covers.
  struct Part {
    const ZipRecord* record;
    uint64_t start;
    uint64_t bytes;
    std::vector<int64_t> strides;
  };

  void expect_whole(const PickledTensor& pickled, const ZipRecord& record, uint64_t item) const;
  at::Tensor inflated(const std::string& name, const Part& part) const;

  std::shared_ptr<const MappedFile> file_;
  std::shared_ptr<const ZipArchive> archive_;
  MappedTensors mapped_;
  std::unordered_map<std::string, Part> parts_;
  mutable std::unordered_map<const ZipRecord*, std::once_flag> checked_;
};

}  // namespace ccexpert::io
