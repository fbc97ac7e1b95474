// Tensor sources composed of other tensor sources.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Union of several sources, with new names: `rename` returns the new name of a tensor. Throws Error if two
/// tensors get the same name.
class TensorSet : public TensorSource {
 public:
  TensorSet(std::vector<std::unique_ptr<TensorSource>> parts,
            const std::function<std::string(const std::string&)>& rename);

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override;

 private:
  struct Origin {
    const TensorSource* source;
    std::string name;
  };
  const Origin& origin(const std::string& name) const;

  std::vector<std::unique_ptr<TensorSource>> parts_;
  std::vector<TensorInfo> infos_;
  std::unordered_map<std::string, Origin> origins_;
};

}  // namespace ccexpert::io
