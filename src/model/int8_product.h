// Product and embedding with weights of 8 bits.
#pragma once

#include <memory>

#include <ccexpert/model/layers.h>

#include "kernels/int8_matrix.h"

namespace ccexpert::model {

class CcexpertModel;

/// Returns "weight", "scales" and, if it is defined, "bias".
WeightContract int8_reads(const kernels::Int8Weights& weights, const at::Tensor& bias = {});

Embedding& embedding_of(CcexpertModel& model);

/// Product with an int8 matrix, a scale for each of its rows, and a bias. It is ready after `pack`.
class Int8Product : public Product {
 public:
  /// Product of the shapes of `linear`, with memory for its tensors. `block`: inputs of a token that are
  /// rounded together, as in `kernels::pack_int8`.
  explicit Int8Product(const Linear& linear, int64_t block = 0);
  /// Product without a bias of a matrix that another module reads and keeps.
  explicit Int8Product(kernels::Int8Weights shared) : weights_(std::move(shared)), shared_(true) {}

  /// Results become float32 whatever the dtype of x: for logits, whose order bfloat16 loses.
  void use_float32() { float32_ = true; }

  WeightContract reads() const;
  /// Packs the tensors for this processor and lets go of them; those of another module only if the packed
  /// matrix gives their rows.
  void pack();
  /// Returns the packed matrix.
  std::shared_ptr<const kernels::Int8Matrix> packed() const { return packed_; }

  /// Maps [...,in] to [...,out] of the same dtype.
  at::Tensor apply(const at::Tensor& x) const override;
  /// All at once if all products are of this kind, unless gradients are recorded.
  std::vector<at::Tensor> apply_steps(const ProductSteps& steps,
                                      const std::vector<const Product*>& products) const override;

 private:
  kernels::Int8Weights weights_;
  at::Tensor bias_;
  int64_t block_ = 0;
  bool shared_ = false;
  bool float32_ = false;
  std::shared_ptr<const kernels::Int8Matrix> packed_;
};

/// Embedding table of int8 with a scale for each of its rows.
class Int8Embedding : public Product {
 public:
  explicit Int8Embedding(const Embedding& table);
  WeightContract reads() const;
  /// Maps ids [...] to vectors [...,width] of the table's dtype.
  at::Tensor apply(const at::Tensor& ids) const override;
  const kernels::Int8Weights& weights() const { return weights_; }
  /// Reads from `packed`, the head that was packed in this table's memory.
  void read_from(std::shared_ptr<const kernels::Int8Matrix> packed);

 private:
  kernels::Int8Weights weights_;
  std::shared_ptr<const kernels::Int8Matrix> packed_;
  at::ScalarType dtype_;
};

}  // namespace ccexpert::model
