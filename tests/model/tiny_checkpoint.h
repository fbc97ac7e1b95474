// The two whole checkpoints of tests/golden, and sources made of parts of them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "support/golden.h"

namespace ccexpert::test {

inline io::Checkpoint open_tiny(const char* name = "checkpoint-tiny") {
  return model::open_model_checkpoint(data_folder() / name);
}

inline model::ModelConfig config_of(const io::Checkpoint& checkpoint) {
  return model::parse_model_config(checkpoint.config_json, "config.json");
}

inline std::shared_ptr<model::CcexpertModel> build(const io::Checkpoint& checkpoint) {
  return model::build_model(config_of(checkpoint), *checkpoint.weights, {});
}

/// Tensors in memory.
class MemorySource : public io::TensorSource {
 public:
  /// Takes the tensors of `source` whose names `wanted` accepts.
  explicit MemorySource(const io::TensorSource& source,
                        const std::function<bool(const std::string&)>& wanted = nullptr) {
    for (const auto& info : source.tensors()) {
      if (!wanted || wanted(info.name)) set(info.name, source.tensor(info.name));
    }
  }

  void set(const std::string& name, const at::Tensor& tensor) {
    tensors_[name] = tensor;
    list();
  }
  void erase(const std::string& name) {
    tensors_.erase(name);
    list();
  }

  void erase_all(const std::string& prefix) {
    std::erase_if(tensors_, [&](const auto& each) { return each.first.starts_with(prefix); });
    list();
  }

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override { return tensors_.at(name); }
  void release(const std::string&) const override {}

 private:
  void list() {
    infos_.clear();
    for (const auto& [name, tensor] : tensors_) {
      infos_.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), "memory"});
    }
  }

  std::map<std::string, at::Tensor> tensors_;
  std::vector<io::TensorInfo> infos_;
};

}  // namespace ccexpert::test
