#include "model/shared/decoder_part.h"

#include <algorithm>
#include <array>
#include <optional>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/foreign_errors.h"
#include "kernels/linear.h"
#include "model/shared/blocks.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Division of a weight among the parts.
enum class Cut {
  kNone,
  kRows,     ///< outputs of a product
  kColumns,  ///< inputs of a product
  kFirst,    ///< the first part has it, the others zeros: they are summed
};

struct CutOfName {
  std::string_view end;
  Cut cut;
};

// The products that give heads or inner features are cut by rows, those that take them by columns.
constexpr std::array kCuts{
    CutOfName{"self_attn.q_proj.weight", Cut::kRows},    CutOfName{"self_attn.q_proj.bias", Cut::kRows},
    CutOfName{"self_attn.k_proj.weight", Cut::kRows},    CutOfName{"self_attn.k_proj.bias", Cut::kRows},
    CutOfName{"self_attn.v_proj.weight", Cut::kRows},    CutOfName{"self_attn.v_proj.bias", Cut::kRows},
    CutOfName{"self_attn.o_proj.weight", Cut::kColumns}, CutOfName{"self_attn.o_proj.bias", Cut::kFirst},
    CutOfName{"mlp.gate_proj.weight", Cut::kRows},       CutOfName{"mlp.gate_proj.bias", Cut::kRows},
    CutOfName{"mlp.up_proj.weight", Cut::kRows},         CutOfName{"mlp.up_proj.bias", Cut::kRows},
    CutOfName{"mlp.down_proj.weight", Cut::kColumns},    CutOfName{"mlp.down_proj.bias", Cut::kFirst},
};

Cut cut_of(std::string_view name) {
  if (!name.starts_with(weight_names::kDecoderBlocks) || block_of(name).empty()) return Cut::kNone;
  const auto rest = name.substr(block_of(name).size() + 1);
  const auto found = std::ranges::find(kCuts, rest, &CutOfName::end);
  return found == kCuts.end() ? Cut::kNone : found->cut;
}

/// Tensors of `source` of which those of decoder blocks are cut to one part. A size that cannot be divided
/// stays, and the loader refuses it.
class PartSource : public io::TensorSource {
 public:
  PartSource(const io::TensorSource& source, const DecoderPart& part)
      : source_(source), part_(part), infos_(source.tensors()) {
    for (auto& info : infos_) {
      const auto axis = axis_of(info.name);
      if (!axis || info.shape.size() <= *axis || info.shape[*axis] % part.parts != 0) continue;
      info.shape[*axis] /= part.parts;
    }
  }

  const std::vector<io::TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override {
    auto whole = source_.tensor(name);
    const auto cut = cut_of(name);
    if (cut == Cut::kFirst && part_.number > 0) return at::zeros_like(whole);
    const auto axis = axis_of(name);
    const auto* info = find(name);
    if (!axis || at::IntArrayRef(info->shape) == whole.sizes()) return whole;
    const int64_t size = info->shape[*axis];
    return whole.narrow(static_cast<int64_t>(*axis), part_.number * size, size);
  }
  void release(const std::string& name) const override { source_.release(name); }

 private:
  static std::optional<size_t> axis_of(std::string_view name) {
    const auto cut = cut_of(name);
    if (cut == Cut::kRows) return 0;
    if (cut == Cut::kColumns) return 1;
    return std::nullopt;
  }

  const io::TensorSource& source_;
  DecoderPart part_;
  std::vector<io::TensorInfo> infos_;
};

/// Product whose inputs are cut among the parts: the sum of the parts' products.
class SummedProduct : public Product {
 public:
  SummedProduct(const Linear& linear, std::function<void(const at::Tensor&)> sum)
      : weight_(linear.matrix()), bias_(linear.bias), sum_(std::move(sum)) {}

  at::Tensor apply(const at::Tensor& x) const override {
    const auto own = kernels::linear_product(x, weight_, bias_).contiguous();
    sum_(own);
    return own;
  }

 private:
  at::Tensor weight_, bias_;
  std::function<void(const at::Tensor&)> sum_;
};

void expect_divisible(const char* what, int64_t count, int64_t parts) {
  if (count % parts == 0) return;
  fail_expected({"tensor parallelism", fmt::format("a number of ranks that divides {} {}", count, what),
                 std::to_string(parts)});
}

/// Makes the products whose inputs are cut sums over the parts.
void sum_products(torch::nn::Module& module, const DecoderPart& part) {
  if (part.parts == 1) return;
  for_each_linear(module, [&](const std::string& name, Linear& linear) {
    const auto cut = cut_of(name + ".weight");
    if (cut == Cut::kColumns) linear.set_product(std::make_shared<SummedProduct>(linear, part.sum));
  });
}

bool is_of_blocks_or_norm(std::string_view name) {
  return name.starts_with(weight_names::kDecoderBlocks) || name.starts_with(weight_names::kDecoderNorm);
}

}  // namespace

DecoderConfig config_of_part(const DecoderConfig& config, int64_t parts) {
  if (parts < 1) fail_expected({"tensor parallelism", "at least 1 rank", std::to_string(parts)});
  expect_divisible("attention heads", config.num_attention_heads, parts);
  expect_divisible("key and value heads", config.num_key_value_heads, parts);
  expect_divisible("features of the MLP", config.intermediate_size, parts);
  auto part = config;
  if (parts == 1) return part;
  part.head_dim = config.head_width();
  part.num_attention_heads /= parts;
  part.num_key_value_heads /= parts;
  part.intermediate_size /= parts;
  return part;
}

std::shared_ptr<CcexpertModel> build_model_part(ModelConfig config, const io::TensorSource& source,
                                                const BuildModelOptions& options,
                                                const DecoderPart& part) try {
  config.decoder = config_of_part(config.decoder, part.parts);
  const PartSource own(source, part);
  auto model = build_model(std::move(config), own, options);
  sum_products(*model, part);
  return model;
} catch (...) {
  rethrow_as_error();
}

std::shared_ptr<Decoder> build_decoder_part(const DecoderConfig& config, const io::TensorSource& source,
                                            const at::TensorOptions& tensor, const DecoderPart& part) try {
  auto own_config = config_of_part(config, part.parts);
  own_config.vocab_size = 0;
  own_config.tie_word_embeddings = true;
  auto decoder = std::make_shared<Decoder>(own_config, tensor);
  auto contract = weight_contract(*decoder);
  std::erase_if(contract, [](const auto& expected) { return !is_of_blocks_or_norm(expected.name); });
  const PartSource own(source, part);
  load_weights(contract, own, {.may_be_unused = [](std::string_view name) {
                 return is_known_unused(name) || !is_of_blocks_or_norm(name);
               }});
  sum_products(*decoder, part);
  return decoder;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
