#include "kernels/linear.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cpu_level.h"
#include "kernels/few_rows.h"
#include "kernels/onednn_product.h"

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Fewer rows at a time would leave a matrix product inefficient.
constexpr int64_t kLeastRows = 64;

/// Calls `visit(first, count)` for groups of `rows` rows with `width` values each, of which `limit` fit.
template <class Visit>
void for_each_group(int64_t rows, int64_t width, int64_t limit, const Visit& visit) {
  const int64_t step = std::max(kLeastRows, limit / std::max<int64_t>(1, width));
  for (int64_t first = 0; first < rows; first += step) visit(first, std::min(step, rows - first));
}

/// Memory for values in float32. A thread keeps it: the system takes as long to give fresh memory as a tenth
/// of a product. It is no tensor, since those of inference are not writable in training.
class Scratch {
 public:
  at::Tensor get(int64_t rows, int64_t columns) {
    const auto size = static_cast<size_t>(rows * columns);
    if (memory_.size() < size) memory_.resize(size);
    return at::from_blob(memory_.data(), {rows, columns}, at::kFloat);
  }
  /// Returns x [rows,columns] in float32.
  at::Tensor widened(const at::Tensor& x) { return get(x.size(0), x.size(1)).copy_(x); }

 private:
  std::vector<float> memory_;
};

struct Scratches {
  Scratch weights, features, results, products;

  static Scratches& of_thread() {
    thread_local Scratches scratches;
    return scratches;
  }
};

/// Returns x as rows [M,K].
at::Tensor rows_of(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

/// Returns the shape of x W^T.
std::vector<int64_t> shape_of(const at::Tensor& x, const at::Tensor& matrix) {
  auto shape = x.sizes().vec();
  shape.back() = matrix.size(0);
  return shape;
}

/// LibTorch's product of one row reads weights at half of the speed of ours; of two rows at the same.
bool is_row_of_bfloat16(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kBFloat16 && x.numel() == x.size(-1);
}

/// Multiplies few rows without storing weights in float32. Undefined if there are more rows, or another
/// dtype.
at::Tensor few_rows_product(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias) {
  const bool few = x.size(0) <= kFewRows && matrix.stride(1) == 1 && matrix.scalar_type() == at::kBFloat16;
  if (!few) return {};
  const auto out = multiply_few_rows(x.to(at::kFloat).contiguous(), matrix);
  return (bias.defined() ? out + bias.to(at::kFloat) : out).to(x.scalar_type());
}

/// Returns x W^T + b of a block in float32, in the memory of `result` or in its own.
at::Tensor block_product(at::Tensor result, const at::Tensor& x, const at::Tensor& weights,
                         const at::Tensor& bias) {
  if (multiplies_by_onednn()) return onednn_product(x, weights, bias);
  return bias.defined() ? at::addmm_out(result, bias, x, weights.t()) : at::mm_out(result, x, weights.t());
}

/// Adds a b to `sum`, all in float32.
void add_product(const at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  if (multiplies_by_onednn()) {
    sum.add_(onednn_product(a, b.t()));
  } else {
    sum.addmm_(a, b);
  }
}

at::Tensor forward_rows(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias,
                        const WeightBlock& block) {
  if (auto few = few_rows_product(x, matrix, bias); few.defined()) return few;
  const auto wide_bias = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
  const int64_t rows = x.size(0), inputs = x.size(1);
  auto out = at::empty({rows, matrix.size(0)}, x.options());
  auto& scratch = Scratches::of_thread();
  for_each_group(matrix.size(0), inputs, block.weights, [&](int64_t first, int64_t count) {
    const auto weights = scratch.weights.widened(matrix.narrow(0, first, count));
    const auto added = bias.defined() ? wide_bias.narrow(0, first, count) : wide_bias;
    for_each_group(rows, std::max(inputs, count), block.features, [&](int64_t row, int64_t some) {
      const auto features = scratch.features.widened(x.narrow(0, row, some));
      const auto result = block_product(scratch.results.get(some, count), features, weights, added);
      out.narrow(0, row, some).narrow(1, first, count).copy_(result);
    });
  });
  return out;
}

/// Gradients of x [M,K] and of the matrix [N,K]; undefined if they are not wanted.
struct Gradients {
  at::Tensor x, matrix;
};

/// Operands of the forward pass, with the wish for gradients of each. x is undefined unless the matrix has
/// one.
struct Operands {
  at::Tensor x, matrix;
  bool wants_x, wants_matrix;

  /// `result` [M,N] is the gradient of the product's result.
  Gradients gradients(const at::Tensor& result, const WeightBlock& block) const {
    const int64_t rows = result.size(0), inputs = matrix.size(1);
    const auto sum = wants_x ? at::zeros({rows, inputs}, at::kFloat) : at::Tensor();
    const auto of_matrix = wants_matrix ? at::empty(matrix.sizes(), matrix.options()) : at::Tensor();
    auto& scratch = Scratches::of_thread();
    for_each_group(matrix.size(0), inputs, block.weights, [&](int64_t first, int64_t count) {
      const auto weights = wants_x ? scratch.weights.widened(matrix.narrow(0, first, count)) : at::Tensor();
      auto product = wants_matrix ? scratch.products.get(count, inputs).zero_() : at::Tensor();
      for_each_group(rows, std::max(inputs, count), block.features, [&](int64_t row, int64_t some) {
        const auto part = scratch.results.widened(result.narrow(0, row, some).narrow(1, first, count));
        if (wants_x) add_product(sum.narrow(0, row, some), part, weights);
        if (wants_matrix) add_product(product, part.t(), scratch.features.widened(x.narrow(0, row, some)));
      });
      if (wants_matrix) of_matrix.narrow(0, first, count).copy_(product);
    });
    return {wants_x ? sum.to(matrix.scalar_type()) : sum, of_matrix};
  }
};

struct LinearByBlocks : torch::autograd::Function<LinearByBlocks> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& matrix,
                            const std::optional<at::Tensor>& bias, const WeightBlock& block) {
    // Without a gradient of the matrix, as for adapters, x need not stay in memory.
    context->save_for_backward({matrix.requires_grad() ? x : at::Tensor(), matrix});
    context->saved_data["weights"] = block.weights;
    context->saved_data["features"] = block.features;
    context->saved_data["bias"] = bias.has_value();
    return forward_rows(x, matrix, bias.value_or(at::Tensor()), block);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Operands operands{saved[0], saved[1], context->needs_input_grad(0), context->needs_input_grad(1)};
    const WeightBlock block{.weights = context->saved_data["weights"].toInt(),
                            .features = context->saved_data["features"].toInt()};
    const auto found = operands.gradients(gradients[0], block);
    const bool wants_bias = context->saved_data["bias"].toBool() && context->needs_input_grad(2);
    return {found.x, found.matrix, wants_bias ? gradients[0].sum(0) : at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool multiplies_by_blocks(at::ScalarType dtype) {
  if (dtype == at::kBFloat16) return !multiplies_bfloat16();
  return dtype == at::kHalf && !multiplies_float16();
}

WeightBlock default_weight_block() {
  constexpr int64_t kMillion = int64_t{1} << 20;
  return {.weights = 2 * kMillion, .features = kMillion};
}

at::Tensor linear_by_blocks(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias,
                            const WeightBlock& block) {
  const auto shape = shape_of(x, matrix);
  const auto rows = rows_of(x);
  if (!at::GradMode::is_enabled()) return forward_rows(rows, matrix, bias, block).view(shape);
  const auto added = bias.defined() ? std::optional(bias) : std::nullopt;
  return LinearByBlocks::apply(rows, matrix, added, block).view(shape);
}

at::Tensor linear_product(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias) {
  if (is_row_of_bfloat16(x) && !at::GradMode::is_enabled()) {
    if (auto row = few_rows_product(rows_of(x), matrix, bias); row.defined())
      return row.view(shape_of(x, matrix));
  }
  if (x.is_cpu() && multiplies_by_blocks(x.scalar_type())) return linear_by_blocks(x, matrix, bias);
  if (x.is_cpu() && x.scalar_type() == at::kFloat && multiplies_by_onednn())
    return onednn_linear(x, matrix, bias);
  return at::linear(x, matrix, bias.defined() ? std::optional(bias) : std::nullopt);
}

}  // namespace ccexpert::kernels
