#include "model/shared/prompt_prefix.h"

#include <algorithm>
#include <memory>
#include <string>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/model/decoder.h>
#include <ccexpert/model/weights.h>

#include "core/foreign_errors.h"
#include "kernels/int4_matrix.h"
#include "kernels/int8_matrix.h"
#include "kernels/rotary.h"
#include "model/shared/int8_model.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

std::string scales_of(const std::string& matrix) {
  return matrix.substr(0, matrix.size() - kWeightSuffix.size()) + std::string(kScalesSuffix);
}

/// Tensors of a model with matrices of 8 and 4 bits in float32, as they were rounded, when they are read.
class WidenedSource : public io::TensorSource {
 public:
  /// `source` must outlive this.
  explicit WidenedSource(const io::TensorSource& source) : source_(source) {
    for (auto info : source.tensors()) {
      if (info.name.ends_with(kScalesSuffix)) continue;
      if (info.dtype == at::kByte) info.shape.back() *= 2;
      if (is_narrow(info.dtype)) info.dtype = at::kFloat;
      tensors_.push_back(std::move(info));
    }
  }

  const std::vector<io::TensorInfo>& tensors() const override { return tensors_; }

  at::Tensor tensor(const std::string& name) const override {
    auto stored = source_.tensor(name);
    if (!is_narrow(stored.scalar_type())) return stored;
    const auto scales = source_.tensor(scales_of(name));
    if (stored.scalar_type() == at::kChar) return stored.to(at::kFloat) * scales.unsqueeze(1);
    return kernels::dequantized_groups({stored, scales}, 0, stored.size(0));
  }

  void release(const std::string& name) const override { source_.release(name); }

 private:
  static bool is_narrow(at::ScalarType type) { return type == at::kChar || type == at::kByte; }

  const io::TensorSource& source_;
  std::vector<io::TensorInfo> tensors_;
};

/// Returns the embeddings [1,T,H] of tokens. No adapter changes them.
at::Tensor embeddings_of(const io::TensorSource& source, const std::vector<int64_t>& ids) {
  const std::string name(weight_names::kEmbeddingWeight);
  const auto table = source.tensor(name), rows = at::tensor(ids, at::kLong);
  const auto embedded = table.scalar_type() == at::kChar
                            ? kernels::dequantized_rows({table, source.tensor(scales_of(name))}, rows)
                            : table.index_select(0, rows).to(at::kFloat);
  source.release(name);
  return embedded.unsqueeze(0);
}

void load_block(DecoderBlock& block, const io::TensorSource& source, int64_t layer) {
  auto contract = weight_contract(block);
  for (auto& expected : contract)
    expected.name = fmt::format("{}{}.{}", weight_names::kDecoderBlocks, layer, expected.name);
  load_weights(contract, source, {.may_be_unused = [](std::string_view) { return true; }});
}

}  // namespace

PromptPrefix compute_prompt_prefix(const DecoderConfig& config, const io::TensorSource& source,
                                   const Adapter* apart, std::vector<int64_t> ids) try {
  const at::NoGradGuard no_grad;
  std::unique_ptr<io::TensorSource> weights = std::make_unique<WidenedSource>(source);
  if (apart != nullptr) weights = merged_weights(std::move(weights), *apart);
  const auto tokens = std::ssize(ids);
  const auto factors = kernels::rotary_factors(at::arange(tokens, at::kLong).unsqueeze(0),
                                               {config.head_width(), config.rope_theta}, at::kFloat);
  auto x = embeddings_of(source, ids);
  DecoderBlock block(config, at::TensorOptions().dtype(at::kFloat));
  std::vector<at::Tensor> keys, values;
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    load_block(block, *weights, layer);
    KvCache cache(1, tokens);
    x = block.forward(x, {factors.cosine, factors.sine, {}, &cache}, 0);
    cache.advance({tokens});
    keys.push_back(cache.held(0).keys[0]);
    values.push_back(cache.held(0).values[0]);
  }
  return {.ids = std::move(ids), .keys = at::stack(keys), .values = at::stack(values)};
} catch (...) {
  rethrow_as_error();
}

int64_t common_start(const PromptPrefix& prefix, const std::vector<int64_t>& prompt) {
  return std::ranges::mismatch(prefix.ids, prompt).in1 - prefix.ids.begin();
}

}  // namespace ccexpert::model
