// Errors that weights of 8 bits make.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::model {

/// Returns norm(W8 - W) / norm(W) for a matrix W and its values W8 in 8 bits.
double int8_weight_error(const at::Tensor& matrix);

/// Same for 4 bits in groups of 32 inputs.
double int4_weight_error(const at::Tensor& matrix);

/// Measures the products of a float32 model beside those of 8 bits: norm(y8 - y) / norm(y) over all results.
class Int8OutputErrors {
 public:
  /// Gives a product to each Linear that an int8 model has in 8 bits. It returns the Linear's own results, so
  /// that errors do not add up from layer to layer. Matrices in `int4` are measured in 4 bits.
  explicit Int8OutputErrors(CcexpertModel& model, const std::set<std::string>& int4 = {});
  ~Int8OutputErrors();
  Int8OutputErrors(const Int8OutputErrors&) = delete;
  Int8OutputErrors& operator=(const Int8OutputErrors&) = delete;

  /// Returns the errors of all forward passes so far by the name of the matrix.
  std::map<std::string, double> by_matrix() const;

 private:
  class Comparing;
  std::map<std::string, std::shared_ptr<Comparing>> products_;
};

}  // namespace ccexpert::model
