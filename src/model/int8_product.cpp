#include "model/int8_product.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <ccexpert/model/ccexpert_model.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Returns memory for a matrix; on the meta device, shapes only.
kernels::Int8Weights memory_for(const at::Tensor& matrix) {
  const int64_t rows = matrix.size(0), columns = matrix.size(1);
  if (!matrix.is_meta()) return kernels::int8_memory(rows, columns);
  return {at::empty({rows, columns}, matrix.options().dtype(at::kChar)),
          at::empty({rows}, matrix.options().dtype(at::kFloat))};
}

kernels::RowFunction function_of(std::optional<Activation> activation) {
  if (!activation) return kernels::RowFunction::kNone;
  switch (*activation) {
    case Activation::kGeluTanh:
      return kernels::RowFunction::kGeluTanh;
    case Activation::kGelu:
      return kernels::RowFunction::kGelu;
    case Activation::kQuickGelu:
      return kernels::RowFunction::kQuickGelu;
    case Activation::kSilu:
      return kernels::RowFunction::kSilu;
    case Activation::kRelu:
      return kernels::RowFunction::kRelu;
  }
  return kernels::RowFunction::kNone;
}

at::Tensor rows_of(const at::Tensor& x) {
  return x.defined() ? x.reshape({-1, x.size(-1)}).contiguous() : x;
}

/// True if the kernel has the dtypes of the steps.
bool are_supported(const ProductSteps& steps) {
  const auto type = steps.x.scalar_type();
  const auto fits = [type](const at::Tensor& x) { return !x.defined() || x.scalar_type() == type; };
  return (type == at::kFloat || type == at::kBFloat16) && fits(steps.residual) &&
         (steps.norm == nullptr || (fits(steps.norm->weight) && fits(steps.norm->bias)));
}

}  // namespace

WeightContract int8_reads(const kernels::Int8Weights& weights, const at::Tensor& bias) {
  WeightContract contract{{.name = "weight", .target = weights.values, .dtypes = {at::kChar}},
                          {.name = "scales", .target = weights.scales, .dtypes = {at::kFloat}}};
  if (bias.defined()) contract.push_back({.name = "bias", .target = bias});
  return contract;
}

Embedding& embedding_of(CcexpertModel& model) {
  const auto modules = model.named_modules("", /*include_self=*/false);
  const auto name = weight_names::kEmbedding.substr(0, weight_names::kEmbedding.size() - 1);
  return dynamic_cast<Embedding&>(*modules[std::string(name)]);
}

Int8Product::Int8Product(const Linear& linear, int64_t block)
    : weights_(memory_for(linear.matrix())), block_(block) {
  if (linear.bias.defined()) bias_ = at::empty_like(linear.bias, linear.bias.options().dtype(at::kFloat));
}

WeightContract Int8Product::reads() const {
  return int8_reads(weights_, bias_);
}

void Int8Product::pack() {
  weights_.may_pack_in_place = !shared_ || kernels::gives_rows();
  packed_ = kernels::pack_int8(weights_, bias_, kernels::cpu_level(), block_);
  weights_ = {};
  bias_.reset();
}

at::Tensor Int8Product::apply(const at::Tensor& x) const {
  const auto rows = (float32_ ? x.to(at::kFloat) : x).reshape({-1, x.size(-1)}).contiguous();
  auto shape = x.sizes().vec();
  const auto out = packed_->multiply(rows);  // [M,N]
  shape.back() = out.size(1);
  return out.view(shape);
}

std::vector<at::Tensor> Int8Product::apply_steps(const ProductSteps& steps,
                                                 const std::vector<const Product*>& products) const {
  if (at::GradMode::is_enabled() || !are_supported(steps)) return {};
  std::vector<const kernels::Int8Matrix*> matrices;
  for (const auto* product : products) {
    const auto* own = dynamic_cast<const Int8Product*>(product);
    if (own == nullptr || own->float32_) return {};
    matrices.push_back(own->packed_.get());
  }
  kernels::Int8Call call;
  call.x = rows_of(steps.x);
  if (steps.norm != nullptr) call.norm = {steps.norm->weight, steps.norm->bias, steps.norm->eps()};
  call.function = function_of(steps.activation);
  call.gated = steps.gated;
  call.residual = rows_of(steps.residual);
  auto results = packed_->multiply_all(call, matrices);
  auto shape = steps.x.sizes().vec();
  for (auto& result : results) {
    shape.back() = result.size(1);
    result = result.view(shape);
  }
  return results;
}

Int8Embedding::Int8Embedding(const Embedding& table)
    : weights_(memory_for(table.weight)), dtype_(table.weight.scalar_type()) {}

WeightContract Int8Embedding::reads() const {
  return int8_reads(weights_);
}

void Int8Embedding::read_from(std::shared_ptr<const kernels::Int8Matrix> packed) {
  packed_ = std::move(packed);
  weights_ = {};
}

at::Tensor Int8Embedding::apply(const at::Tensor& ids) const {
  return (packed_ ? packed_->rows(ids) : kernels::dequantized_rows(weights_, ids)).to(dtype_);
}

}  // namespace ccexpert::model
