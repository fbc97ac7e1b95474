#include "kernels/blocked_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Scores of some queries of some heads; heads are counted over all rows of a batch, [B*M].
struct Part {
  int64_t head, heads;
  int64_t query, queries;
  int64_t keys;  ///< number of leading keys, which these queries may attend to

  at::Tensor of_queries(const at::Tensor& x) const {
    return x.narrow(0, head, heads).narrow(1, query, queries);
  }
  at::Tensor of_keys(const at::Tensor& x) const { return x.narrow(0, head, heads).narrow(1, 0, keys); }
};

/// Splits attention into parts; q and k [B*M,T or t,d].
std::vector<Part> parts(const at::Tensor& q, const at::Tensor& k, bool causal, const ScoreBlock& block) {
  const int64_t all_heads = q.size(0), all_queries = q.size(1), keys = k.size(1);
  const bool whole = all_queries <= block.queries || (!causal && all_queries * keys <= block.scores);
  const int64_t queries = whole ? all_queries : block.queries;
  const int64_t heads = std::max<int64_t>(1, block.scores / std::max<int64_t>(1, queries * keys));
  std::vector<Part> result;
  for (int64_t head = 0; head < all_heads; head += heads) {
    for (int64_t query = 0; query < all_queries; query += queries) {
      const int64_t end = std::min(all_queries, query + queries);
      result.push_back({head, std::min(heads, all_heads - head), query, end - query, causal ? end : keys});
    }
  }
  return result;
}

/// Writes factor * a b.
void write_product(const at::Tensor& result, const at::Tensor& a, const at::Tensor& b, double factor = 1.0) {
  result.baddbmm_(a, b, 0.0, factor);
}

/// Adds factor * a b.
void add_product(const at::Tensor& sum, const at::Tensor& a, const at::Tensor& b, double factor = 1.0) {
  sum.baddbmm_(a, b, 1.0, factor);
}

/// Reused memory for a part's scores: fresh memory would cost more than the softmax.
class Scratch {
 public:
  explicit Scratch(const at::Tensor& like) : memory_(at::empty({0}, like.options())) {}
  at::Tensor get(const Part& part) {
    const int64_t size = part.heads * part.queries * part.keys;
    if (memory_.numel() < size) memory_ = at::empty({size}, memory_.options());
    return memory_.narrow(0, 0, size).view({part.heads, part.queries, part.keys});
  }

 private:
  at::Tensor memory_;
};

/// q, k, v [B*M,T or t,d].
struct Operands {
  at::Tensor q, k, v;
  bool causal;

  double scale() const { return 1.0 / std::sqrt(static_cast<double>(q.size(2))); }

  /// Writes the attention weights of a part, [heads,queries,keys]; `scores` is a buffer of the same shape.
  void write_shares(const Part& part, at::Tensor shares, const at::Tensor& scores) const {
    write_product(scores, part.of_queries(q), part.of_keys(k).transpose(1, 2), scale());
    if (causal) {
      const auto later = at::ones({part.queries, part.queries}, q.options().dtype(at::kBool)).triu_(1);
      scores.narrow(2, part.query, part.queries)
          .masked_fill_(later, -std::numeric_limits<double>::infinity());
    }
    at::_softmax_out(shares, scores, -1, false);
  }
};

/// Gradients of the operands, and their buffers.
struct Gradients {
  explicit Gradients(const Operands& operands)
      : q(at::empty_like(operands.q)),
        k(at::zeros_like(operands.k)),
        v(at::zeros_like(operands.v)),
        of_shares(q),
        of_scores(q) {}

  /// Adds the gradients of a part; `result` [B*M,T,d] is the gradient of attention's output.
  void add(const Operands& operands, const Part& part, const at::Tensor& shares, const at::Tensor& result) {
    const auto of_result = part.of_queries(result);
    add_product(part.of_keys(v), shares.transpose(1, 2), of_result);
    const auto back = of_shares.get(part);
    write_product(back, of_result, part.of_keys(operands.v).transpose(1, 2));
    auto scores = of_scores.get(part);
    at::_softmax_backward_data_out(scores, back, shares, -1, shares.scalar_type());
    write_product(part.of_queries(q), scores, part.of_keys(operands.k), operands.scale());
    add_product(part.of_keys(k), scores.transpose(1, 2), part.of_queries(operands.q), operands.scale());
  }

  at::Tensor q, k, v;
  Scratch of_shares, of_scores;
};

struct BlockedAttention : torch::autograd::Function<BlockedAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, bool causal, const ScoreBlock& block) {
    const Operands operands{q, k, v, causal};
    const bool keeps = q.requires_grad() && q.size(0) * q.size(1) * k.size(1) <= block.kept;
    variable_list saved{q, k, v};
    auto result = at::empty_like(q);
    Scratch scores(q), again(q);
    for (const auto& part : parts(q, k, causal, block)) {
      const auto shares =
          keeps ? at::empty({part.heads, part.queries, part.keys}, q.options()) : again.get(part);
      operands.write_shares(part, shares, scores.get(part));
      write_product(part.of_queries(result), shares, part.of_keys(v));
      if (keeps) saved.push_back(shares);
    }
    context->save_for_backward(std::move(saved));
    context->saved_data["causal"] = causal;
    context->saved_data["block_scores"] = block.scores;
    context->saved_data["block_queries"] = block.queries;
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Operands operands{saved[0], saved[1], saved[2], context->saved_data["causal"].toBool()};
    const ScoreBlock block{.scores = context->saved_data["block_scores"].toInt(),
                           .queries = context->saved_data["block_queries"].toInt()};
    const auto of_result = gradients[0].contiguous();
    Gradients result(operands);
    Scratch scores(operands.q), again(operands.q);
    size_t next = 3;
    for (const auto& part : parts(operands.q, operands.k, operands.causal, block)) {
      const bool kept = next < saved.size();
      const auto shares = kept ? saved[next++] : again.get(part);
      if (!kept) operands.write_shares(part, shares, scores.get(part));
      result.add(operands, part, shares, of_result);
    }
    return {result.q, result.k, result.v, at::Tensor(), at::Tensor()};
  }
};

/// Repeats and flattens heads: [B,M or K,T,d] to [B*M,T,d].
at::Tensor flat_heads(const at::Tensor& x, int64_t heads) {
  return per_query_head(x, heads).flatten(0, 1).contiguous();
}

}  // namespace

at::Tensor per_query_head(const at::Tensor& x, int64_t heads) {
  return x.size(1) == heads ? x : x.repeat_interleave(heads / x.size(1), 1);
}

ScoreBlock default_score_block() {
  constexpr int64_t kMillion = int64_t{1} << 20;
  return {.scores = kMillion * at::get_num_threads(), .queries = 128, .kept = 4 * kMillion};
}

at::Tensor blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal,
                             const ScoreBlock& block) {
  const int64_t heads = q.size(1);
  return BlockedAttention::apply(flat_heads(q, heads), flat_heads(k, heads), flat_heads(v, heads), causal,
                                 block)
      .view_as(q);
}

}  // namespace ccexpert::kernels
