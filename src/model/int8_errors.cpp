#include "model/shared/int8_errors.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "kernels/int4_matrix.h"
#include "kernels/int8_matrix.h"
#include "model/shared/int8_model.h"

namespace ccexpert::model {
namespace {

/// Sums of squares of a product's results and of their errors.
struct Squares {
  double values = 0.0, errors = 0.0;
  double relative() const { return values > 0.0 ? std::sqrt(errors / values) : 0.0; }
};

double squared_norm(const at::Tensor& x) {
  const auto values = x.flatten();
  return at::dot(values, values).item<double>();
}

}  // namespace

/// Product that gives a Linear's own results and measures those of 8 or 4 bits beside them.
class Int8OutputErrors::Comparing : public Product {
 public:
  Comparing(const std::string& matrix, const Linear& linear, bool four) : linear_(linear) {
    if (four) {
      int4_ = kernels::quantize_groups(linear.matrix());
    } else {
      int8_ = kernels::pack_int8(kernels::quantize_rows(linear.matrix()), linear.bias, kernels::cpu_level(),
                                 int8_block(matrix.substr(0, matrix.rfind('.'))));
    }
  }

  at::Tensor apply(const at::Tensor& x) const override {
    const auto exact = at::linear(x, linear_.matrix(), linear_.bias);
    const auto rows = x.reshape({-1, x.size(-1)}).contiguous();
    const auto rounded = (int8_ ? int8_->multiply(rows) : kernels::multiply_int4(rows, int4_, linear_.bias))
                             .view(exact.sizes());
    squares_.values += squared_norm(exact);
    squares_.errors += squared_norm(rounded - exact);
    return exact;
  }

  double error() const { return squares_.relative(); }

 private:
  const Linear& linear_;
  std::unique_ptr<const kernels::Int8Matrix> int8_;  // null: 4 bits
  kernels::Int4Weights int4_;
  mutable Squares squares_;
};

namespace {

/// Returns the relative error of `rounded(first, count)`, rows in float32.
template <class Rounded>
double weight_error(const at::Tensor& matrix, const Rounded& rounded) {
  // In rows, since a whole embedding in float64 has a gigabyte.
  Squares squares;
  constexpr int64_t kRows = 1024;
  for (int64_t first = 0; first < matrix.size(0); first += kRows) {
    const int64_t count = std::min(kRows, matrix.size(0) - first);
    const auto exact = matrix.narrow(0, first, count).to(at::kFloat);
    squares.values += squared_norm(exact);
    squares.errors += squared_norm(rounded(first, count) - exact);
  }
  return squares.relative();
}

}  // namespace

double int8_weight_error(const at::Tensor& matrix) {
  const auto weights = kernels::quantize_rows(matrix);
  return weight_error(matrix, [&](int64_t first, int64_t count) {
    return weights.values.narrow(0, first, count).to(at::kFloat) *
           weights.scales.narrow(0, first, count).unsqueeze(1);
  });
}

double int4_weight_error(const at::Tensor& matrix) {
  const auto weights = kernels::quantize_groups(matrix);
  return weight_error(matrix, [&](int64_t first, int64_t count) {
    return kernels::dequantized_groups(weights, first, count);
  });
}

Int8OutputErrors::Int8OutputErrors(CcexpertModel& model, const std::set<std::string>& int4) {
  for_each_int8_product(model, [&](const std::string& matrix, Linear& linear) {
    auto product = std::make_shared<Comparing>(matrix, linear, int4.contains(matrix));
    linear.set_product(product);
    products_[matrix] = std::move(product);
  });
}

Int8OutputErrors::~Int8OutputErrors() = default;

std::map<std::string, double> Int8OutputErrors::by_matrix() const {
  std::map<std::string, double> errors;
  for (const auto& [matrix, product] : products_) errors[matrix] = product->error();
  return errors;
}

}  // namespace ccexpert::model
