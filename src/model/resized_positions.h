// Tensors of a checkpoint, adapted to a vision transformer of another image size.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::model {

/// Tensors of `source`, with the position embedding resized to `grid` x `grid` patches: bicubic, as in
/// transformers (SiglipVisionEmbeddings and CLIPVisionEmbeddings, interpolate_pos_encoding). The position of
/// a class token, which comes first, stays. An embedding that is not a square grid stays unchanged. `source`
/// must outlive this object.
class ResizedPositions : public io::TensorSource {
 public:
  ResizedPositions(const io::TensorSource& source, int64_t grid, bool class_token = false);

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { source_.release(name); }

 private:
  const io::TensorSource& source_;
  int64_t grid_;
  int64_t before_;  // positions before those of the patches
  std::vector<io::TensorInfo> infos_;
};

}  // namespace ccexpert::model
