#include "io/added_rows.h"

#include <ATen/ATen.h>

#include <ccexpert/io/checkpoint.h>

namespace ccexpert::io {
namespace {

bool has_vocabulary_rows(const TensorInfo& info) {
  return info.shape.size() == 2 &&
         (info.name == "model.embed_tokens.weight" || info.name == "lm_head.weight");
}

}  // namespace

int64_t lmms_vocabulary_rows(int64_t llava_hf_rows) {
  // Qwen2's 0.5B and 7B: the conversion script adds two tokens and rounds up to 64 rows.
  if (llava_hf_rows == 152'000) return 151'936;
  if (llava_hf_rows == 152'128) return 152'064;
  return llava_hf_rows;
}

WithoutAddedRows::WithoutAddedRows(std::unique_ptr<TensorSource> source)
    : source_(std::move(source)), infos_(source_->tensors()) {
  for (auto& info : infos_) {
    if (has_vocabulary_rows(info)) info.shape[0] = lmms_vocabulary_rows(info.shape[0]);
  }
}

at::Tensor WithoutAddedRows::tensor(const std::string& name) const {
  auto tensor = source_->tensor(name);
  const auto* info = find(name);
  if (info == nullptr || !has_vocabulary_rows(*info)) return tensor;
  return tensor.narrow(0, 0, info->shape[0]);
}

}  // namespace ccexpert::io
