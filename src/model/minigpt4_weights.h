// Weights of MiniGPT-4's parts under the model's names.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/io/safetensors.h>
#include <ccexpert/io/tensor_source.h>

namespace ccexpert::model {

/// Tensors under the model's names, views of those in the files.
class RenamedTensors : public io::TensorSource {
 public:
  /// Adds a tensor, or replaces the one with this name.
  void set(const std::string& name, at::Tensor tensor, std::string_view file);

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override { return tensors_.at(name); }
  void release(const std::string& /*name*/) const override {}

  /// Returns the tensor; undefined if there is none.
  at::Tensor find_tensor(const std::string& name) const;
  std::vector<io::NamedTensor> take() &&;

 private:
  std::map<std::string, at::Tensor> tensors_;
  std::vector<io::TensorInfo> infos_;
};

/// Adds the tower of EVA's own names or of transformers', without blocks from `blocks` on. The attention's
/// joint matrix becomes three; a bias of the keys, which has no effect, is left out.
void add_eva(const io::TensorSource& source, int64_t blocks, RenamedTensors& model);

/// Adds norm, queries, Q-Former (only the path of queries) and projection, as far as `source` has them, from
/// MiniGPT-4's or transformers' names.
void add_connector(const io::TensorSource& source, RenamedTensors& model);

/// Adds a decoder of transformers' names.
void add_decoder(const io::TensorSource& source, RenamedTensors& model);

}  // namespace ccexpert::model
