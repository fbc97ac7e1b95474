#include <cmath>

#include <ATen/ATen.h>

#include <ccexpert/model/layers.h>

namespace ccexpert {
namespace {

/// Up to here two batched products beat the blockwise kernel of a CPU in bfloat16, which multiplies blocks of
/// 32 queries one by one: by 2 to 6 times at 64 to 190 keys, forward and backward; at 700 they are even.
constexpr int64_t kShort = 256;

bool is_short_half_precision(const at::Tensor& q, const at::Tensor& k) {
  return q.is_cpu() && q.scalar_type() == at::kBFloat16 && q.size(2) > 1 && k.size(2) <= kShort;
}

at::Tensor per_query_head(const at::Tensor& x, int64_t heads) {
  return x.size(1) == heads ? x : x.repeat_interleave(heads / x.size(1), 1);
}

at::Tensor attention_by_products(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const AttentionMask& mask) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  auto scores = at::matmul(q * scale, per_query_head(k, q.size(1)).transpose(2, 3));  // [B,M,T,t]
  auto visible = mask.visible;
  if (mask.causal) visible = at::ones({q.size(2), k.size(2)}, q.options().dtype(at::kBool)).tril();
  if (visible.defined()) scores = scores.masked_fill(visible.logical_not(), -1e30);
  return at::matmul(at::softmax(scores, -1), per_query_head(v, q.size(1)));
}

}  // namespace

Linear::Linear(int64_t in, int64_t out, bool with_bias, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({out, in}, options));
  if (with_bias) bias = register_parameter("bias", at::empty({out}, options));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

LayerNorm::LayerNorm(int64_t width, double eps, const at::TensorOptions& options) : eps_(eps) {
  weight = register_parameter("weight", at::empty({width}, options));
  bias = register_parameter("bias", at::empty({width}, options));
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps_);
}

RmsNorm::RmsNorm(int64_t width, double eps, const at::TensorOptions& options) : eps_(eps) {
  weight = register_parameter("weight", at::empty({width}, options));
}

at::Tensor RmsNorm::forward(const at::Tensor& x) const {
  return at::rms_norm(x, weight.sizes(), weight, eps_);
}

Embedding::Embedding(int64_t rows, int64_t width, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({rows, width}, options));
}

at::Tensor Embedding::forward(const at::Tensor& ids) const {
  return at::embedding(weight, ids);
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const AttentionMask& mask) {
  if (is_short_half_precision(q, k)) return attention_by_products(q, k, v, mask);
  const auto visible = mask.visible.defined() ? std::optional<at::Tensor>(mask.visible) : std::nullopt;
  return at::scaled_dot_product_attention(q, k, v, visible, 0.0, mask.causal, std::nullopt,
                                          q.size(1) != k.size(1));
}

at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor merge_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace ccexpert
