// Tensors in the records of a zip archive, plain or compressed.
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

/// A plain record's tensors point into the mapping. A compressed record is inflated whenever a tensor of it
/// is asked for, and only the tensor's own bytes are kept. A record's checksum is compared when a tensor of
/// it is first asked for: its bytes are read then anyway, and opening stays quick. Throws Error where it
/// differs.
class ArchiveTensors : public TensorSource {
 public:
  ArchiveTensors(std::shared_ptr<const MappedFile> file, std::shared_ptr<const ZipArchive> archive);

  /// Adds a tensor whose storage is `record` (null for one without elements). Throws Error where the record
  /// has another length than the storage.
  void add(const PickledTensor& pickled, at::ScalarType dtype, const ZipRecord* record);
  /// Call once, before anything else.
  void finish() { mapped_.finish(); }

  const std::vector<TensorInfo>& tensors() const override { return mapped_.tensors(); }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { mapped_.release(name); }

 private:
  /// The bytes of a record that a tensor covers.
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
