#include "model/shared/int8_errors.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

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

/// Product that gives a Linear's own results and measures those of 8 bits beside them.
class Int8OutputErrors::Comparing : public Product {
 public:
  explicit Comparing(const Linear& linear)
      : linear_(linear), int8_(kernels::pack_int8(kernels::quantize_rows(linear.matrix()), linear.bias)) {}

  at::Tensor apply(const at::Tensor& x) const override {
    const auto exact = at::linear(x, linear_.matrix(), linear_.bias);
    const auto rounded = int8_->multiply(x.reshape({-1, x.size(-1)}).contiguous()).view(exact.sizes());
    squares_.values += squared_norm(exact);
    squares_.errors += squared_norm(rounded - exact);
    return exact;
  }

  double error() const { return squares_.relative(); }

 private:
  const Linear& linear_;
  std::unique_ptr<const kernels::Int8Matrix> int8_;
  mutable Squares squares_;
};

double int8_weight_error(const at::Tensor& matrix) {
  const auto weights = kernels::quantize_rows(matrix);
  // In rows, since a whole embedding in float64 has a gigabyte.
  Squares squares;
  constexpr int64_t kRows = 1024;
  for (int64_t first = 0; first < matrix.size(0); first += kRows) {
    const int64_t count = std::min(kRows, matrix.size(0) - first);
    const auto exact = matrix.narrow(0, first, count).to(at::kFloat);
    const auto rounded = weights.values.narrow(0, first, count).to(at::kFloat) *
                         weights.scales.narrow(0, first, count).unsqueeze(1);
    squares.values += squared_norm(exact);
    squares.errors += squared_norm(rounded - exact);
  }
  return squares.relative();
}

Int8OutputErrors::Int8OutputErrors(CcexpertModel& model) {
  for_each_int8_product(model, [&](const std::string& matrix, Linear& linear) {
    auto product = std::make_shared<Comparing>(linear);
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
