// Models whose weights have 8 bits.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <ccexpert/core/names.h>
#include <ccexpert/io/tensor_source.h>
#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/weights.h>

namespace ccexpert::model {

/// Suffix of the scales beside a matrix of int8: "x.weight" [N,K] has "x.scales" [N], one for each row.
inline constexpr std::string_view kScalesSuffix = ".scales";

/// Weights of the matrices in the decoder's blocks; all other matrices have 8 bits.
enum class BlockWeights {
  kInt8,
  kInt4,  ///< in groups of 32 inputs, activations as they are; a matrix without whole groups has 8 bits
};
constexpr auto names_of(BlockWeights) {
  return std::to_array<Name<BlockWeights>>({{BlockWeights::kInt8, "int8"}, {BlockWeights::kInt4, "int4"}});
}

/// Names of the matrices of an int8 model.
struct QuantizedMatrices {
  std::set<std::string> int8, int4;
};

/// Returns the names of the matrices that an int8 model has in 8 and in 4 bits: those of all products and the
/// embedding. The patch embedding and the weighting of scales, whose work is small, stay in floating point.
QuantizedMatrices quantized_matrices(const ModelConfig& config, BlockWeights blocks);
/// Same for a model without 4 bits.
std::set<std::string> int8_matrices(const ModelConfig& config);

/// Returns the tensors of an int8 model as names, without memory. `source` says if the head is tied.
WeightContract int8_contract(const ModelConfig& config, const io::TensorSource& source,
                             BlockWeights blocks = BlockWeights::kInt8);

/// Returns the number of inputs of a token that the product `name` rounds together, with a scale of their
/// own; 0: all. The input of down_proj has outliers, which would take the precision of all others.
int64_t int8_block(std::string_view name);

/// Calls `visit` for each product that an int8 model has in 8 bits, with the name of its matrix.
void for_each_int8_product(CcexpertModel& model,
                           const std::function<void(const std::string& matrix, Linear& linear)>& visit);

/// Returns the dtype of all but the matrices: bfloat16 on a CPU with fast products of it, else float32.
at::ScalarType int8_model_dtype();

/// True if the tensors are those of an int8 model.
bool is_int8(const io::TensorSource& source);

/// Returns the blocks' weights of an int8 model's tensors.
BlockWeights block_weights(const io::TensorSource& source);

/// Tensors of a floating-point checkpoint as those of an int8 model: each matrix in `names` becomes int8 or
/// int4 with scales, one matrix at a time when it is read.
class Int8Source : public io::TensorSource {
 public:
  /// `source` must outlive this.
  Int8Source(const io::TensorSource& source, const QuantizedMatrices& names);
  Int8Source(const io::TensorSource& source, const std::set<std::string>& int8)
      : Int8Source(source, QuantizedMatrices{.int8 = int8, .int4 = {}}) {}
  ~Int8Source() override;
  Int8Source(const Int8Source&) = delete;
  Int8Source& operator=(const Int8Source&) = delete;

  const std::vector<io::TensorInfo>& tensors() const override { return tensors_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override;

 private:
  struct Last;
  bool has_scales(const std::string& name) const;

  const io::TensorSource& source_;
  QuantizedMatrices names_;
  std::vector<io::TensorInfo> tensors_;
  std::unique_ptr<Last> last_;
};

/// Same as build_model, on a CPU in int8_model_dtype(), but with the matrices of `quantized_matrices` in 8 or
/// 4 bits: those of `source` if it has them, which then says their bits, else quantised on the way.
std::shared_ptr<CcexpertModel> build_int8_model(const ModelConfig& config, const io::TensorSource& source,
                                                const BuildModelOptions& options = {},
                                                BlockWeights blocks = BlockWeights::kInt8);

}  // namespace ccexpert::model
