#include "kernels/attention.h"

#include <cmath>

#include <ATen/ATen.h>

#include "kernels/blocked_attention.h"
#include "kernels/linear.h"
#include "kernels/tiled_attention.h"

namespace ccexpert::kernels {
namespace {

/// Below this many queries, the fused kernel has at most one block to multiply, and no method is faster.
constexpr int64_t kFewQueries = 32;
/// Up to this many scores per head, one batched matmul beats the fused kernel (used if blocked attention is
/// not available).
constexpr int64_t kFewScores = int64_t{256} * 256;
/// From so many keys on, scores in float32 tiles are faster than blocks of them in bfloat16.
constexpr int64_t kManyKeys = 512;

enum class Way { kFused, kProducts, kBlocks, kTiles };

/// Returns the fastest kernel; in bfloat16, of a CPU with instructions for it. A CPU's fused kernel
/// multiplies some queries of one head at a time. In bfloat16, cache-sized matrix products beat it by 2 to 7
/// times, forward and backward; in float32 it is the fastest.
Way best_way(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionMask& mask) {
  if (!q.is_cpu() || q.scalar_type() != at::kBFloat16 || q.size(2) < kFewQueries) return Way::kFused;
  if (!mask.visible.defined()) {
    return k.size(2) >= kManyKeys && can_tile_attention(q, k, v) ? Way::kTiles : Way::kBlocks;
  }
  return q.size(2) * k.size(2) <= kFewScores ? Way::kProducts : Way::kFused;
}

/// Returns queries at the positions of all keys: zeros precede those of q.
at::Tensor at_all_positions(const at::Tensor& q, const at::Tensor& k) {
  return at::constant_pad_nd(q, {0, 0, k.size(2) - q.size(2), 0});
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

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionMask& mask) {
  const auto visible = mask.visible.defined() ? std::optional<at::Tensor>(mask.visible) : std::nullopt;
  return at::scaled_dot_product_attention(q, k, v, visible, 0.0, mask.causal, std::nullopt,
                                          q.size(1) != k.size(1));
}

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const AttentionMask& mask) {
  // The results of the zeros are left out: kernels but the tiled one know squares only.
  if (mask.causal && q.size(2) < k.size(2) && best_way(q, k, v, mask) != Way::kTiles)
    return attention(at_all_positions(q, k), k, v, mask).slice(2, k.size(2) - q.size(2));
  if (q.is_cpu() && multiplies_by_blocks(q.scalar_type())) {
    const auto wide = fused_attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), mask);
    return wide.to(q.scalar_type());
  }
  switch (best_way(q, k, v, mask)) {
    case Way::kTiles:
      return tiled_attention(q, k, v, mask.causal);
    case Way::kProducts:
      return attention_by_products(q, k, v, mask);
    case Way::kBlocks:
      return blocked_attention(q, k, v, mask.causal);
    case Way::kFused:
      break;
  }
  return fused_attention(q, k, v, mask);
}

at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor merge_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace ccexpert::kernels
