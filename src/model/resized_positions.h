// Tensors of a checkpoint, adapted to a vision transformer of another image size.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::model {

/// Tensors of `source`, with the position embedding resized to `grid` x `grid` patches: bicubic, as in
/// transformers (SiglipVisionEmbeddings, interpolate_pos_encoding). An embedding that is not a square grid
/// stays unchanged. `source` must outlive this object.
class ResizedPositions : public io::TensorSource {
 public:
  ResizedPositions(const io::TensorSource& source, int64_t grid);

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { source_.release(name); }

 private:
  const io::TensorSource& source_;
  int64_t grid_;
  std::vector<io::TensorInfo> infos_;
};

}  // namespace ccexpert::model
