// A checkpoint's tensors for a vision transformer of another image size.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert {

/// What `source` has, but the position embedding stretched to a grid of `grid` x `grid` patches: bicubic, as
/// transformers does (SiglipVisionEmbeddings, interpolate_pos_encoding). One that is no square grid stays as
/// it is. `source` must outlive it.
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

}  // namespace ccexpert
