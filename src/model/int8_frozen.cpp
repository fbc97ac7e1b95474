#include "model/shared/int8_frozen.h"

#include <algorithm>
#include <set>
#include <utility>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/int8_product.h"
#include "model/shared/int8_model.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Values that are converted at once: 16 MB in float32.
constexpr int64_t kValuesAtOnce = int64_t{1} << 22;

/// Calls `use(first, piece)` for the rows (`dim` 0) or columns (1) of a matrix in `dtype`, some at a time.
/// Bytes are exact in bfloat16, so that scales are applied to sums.
template <class Use>
void for_some(int64_t dim, const at::Tensor& values, at::ScalarType dtype, Use&& use) {
  const int64_t count = values.size(dim), step = std::max<int64_t>(1, kValuesAtOnce / values.size(1 - dim));
  for (int64_t first = 0; first < count; first += step)
    use(first, values.narrow(dim, first, std::min(step, count - first)).to(dtype));
}

/// Maps x [M,K] to x W^T [M,N].
struct FrozenProduct : torch::autograd::Function<FrozenProduct> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& values,
                            const at::Tensor& scales) {
    context->save_for_backward({values, scales});
    auto out = at::empty({x.size(0), values.size(0)}, x.options());
    for_some(0, values, x.scalar_type(), [&](int64_t first, const at::Tensor& rows) {
      out.narrow(1, first, rows.size(0)).copy_(at::mm(x, rows.t()));
    });
    return out.mul_(scales);
  }

  /// d x = (d y * scales) W.
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& values = saved[0];
    const auto scaled = gradients[0].mul(saved[1].to(gradients[0].scalar_type()));
    auto of_input = at::empty({scaled.size(0), values.size(1)}, scaled.options());
    // By columns, so that each number is one sum and is rounded once.
    for_some(1, values, scaled.scalar_type(), [&](int64_t first, const at::Tensor& columns) {
      of_input.narrow(1, first, columns.size(1)).copy_(at::mm(scaled, columns));
    });
    return {of_input, at::Tensor(), at::Tensor()};
  }
};

kernels::Int8Weights memory_for(const at::Tensor& matrix) {
  return {at::empty(matrix.sizes(), matrix.options().dtype(at::kChar).requires_grad(false)),
          at::empty({matrix.size(0)}, matrix.options().dtype(at::kFloat).requires_grad(false))};
}

/// Lets go of the memory of a weight, but not of its shape.
void keep_shape_only(at::Tensor& weight, at::Device device) {
  if (weight.is_meta()) return;
  const auto one = at::zeros({1}, weight.options().device(device).requires_grad(false));
  weight.set_data(one.expand(weight.sizes()));
}

/// Embedding table of int8, whose gradient nobody asks for.
class FrozenEmbedding : public Product {
 public:
  explicit FrozenEmbedding(const Embedding& table)
      : weights_(memory_for(table.weight)), dtype_(table.weight.scalar_type()) {}
  WeightContract reads() const { return int8_reads(weights_); }
  at::Tensor apply(const at::Tensor& ids) const override {
    return kernels::dequantized_rows(weights_, ids).to(dtype_);
  }
  const kernels::Int8Weights& weights() const { return weights_; }

 private:
  kernels::Int8Weights weights_;
  at::ScalarType dtype_;
};

}  // namespace

Int8FrozenProduct::Int8FrozenProduct(const Linear& linear)
    : weights_(memory_for(linear.matrix())), bias_(linear.bias) {}

WeightContract Int8FrozenProduct::reads() const {
  return int8_reads(weights_, bias_);
}

at::Tensor Int8FrozenProduct::apply(const at::Tensor& x) const {
  const auto out = FrozenProduct::apply(x.reshape({-1, x.size(-1)}), weights_.values, weights_.scales);
  auto shape = x.sizes().vec();
  shape.back() = out.size(1);
  const auto shaped = out.view(shape);
  return bias_.defined() ? shaped + bias_ : shaped;
}

void use_frozen_int8(CcexpertModel& model, const std::function<bool(const std::string& weight)>& is_frozen) {
  auto& table = embedding_of(model);
  const auto table_memory = table.weight;
  std::shared_ptr<FrozenEmbedding> embedding;
  if (is_frozen(std::string(weight_names::kEmbeddingWeight))) {
    embedding = std::make_shared<FrozenEmbedding>(table);
    table.set_product(embedding, embedding->reads());
  }
  for_each_int8_product(model, [&](const std::string& matrix, Linear& linear) {
    if (linear.weight.is_same(table_memory)) {
      if (embedding) linear.set_product(std::make_shared<Int8FrozenProduct>(embedding->weights()));
    } else if (is_frozen(matrix)) {
      const auto product = std::make_shared<Int8FrozenProduct>(linear);
      linear.set_product(product, product->reads());
      keep_shape_only(linear.weight, linear.weight.device());
    }
  });
  if (embedding) keep_shape_only(table.weight, table.weight.device());
}

void move_frozen_int8(CcexpertModel& model, at::Device device) {
  std::set<std::string> read;
  for (auto& expected : weight_contract(model)) {
    read.insert(expected.name);
    expected.target.set_data(expected.target.to(device));
    // A matrix of 8 bits has the name of its weight, which has no values.
    if (expected.target.scalar_type() == at::kChar) read.erase(expected.name);
  }
  for (auto& item : model.named_parameters()) {
    if (!read.contains(item.key())) keep_shape_only(item.value(), device);
  }
}

}  // namespace ccexpert::model
