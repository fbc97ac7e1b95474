/// Low-rank adaptation of matrices (LoRA, Hu et al. 2021, section 4.1): a frozen W and a trained product B A.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/io/safetensors.h>
#include <ccexpert/model/layers.h>

namespace ccexpert::model {

/// Ends of the names of a layer's two tensors, after the layer's name.
inline constexpr const char* kLoraA = ".lora_A.weight";
inline constexpr const char* kLoraB = ".lora_B.weight";

struct LoraSize {
  int64_t rank = 8;
  double alpha = 16.0;
  bool rank_stabilized = false;  ///< rsLoRA (Kalajdzievski 2023): alpha is divided by the root of the rank

  double scale() const;

  bool operator==(const LoraSize&) const = default;
};

/// W x + b + scale * B (A x), with the layer's own W and b, or with the product that the layer had before.
class LoraProduct : public Product {
 public:
  /// `linear` must outlive this. A and B have its dtype and device, and no values yet.
  LoraProduct(const Linear& linear, int64_t rank, double scale);
  at::Tensor apply(const at::Tensor& x) const override;

  at::Tensor a;  ///< [r,in]
  at::Tensor b;  ///< [out,r]

 private:
  const Linear& linear_;
  std::shared_ptr<const Product> base_;
  double scale_;
};

/// Matrix with a LoRA product.
struct LoraLayer {
  std::string name;  ///< of the Linear in a checkpoint
  std::shared_ptr<LoraProduct> product;
};
using LoraLayers = std::vector<LoraLayer>;

/// Returns the names of the matrices in `model` that the patterns choose, in the model's order. A pattern of
/// letters, digits, "_" and "." is the end of a name after a dot, or the whole name; any other is a regular
/// expression of the whole name; "all-linear" is every matrix but the head. No pattern: all matrices of the
/// decoder's blocks. Throws Error for a pattern without a match, for the kernel of a convolution and for a
/// head that shares the embedding's matrix.
std::vector<std::string> lora_targets(torch::nn::Module& model, const std::vector<std::string>& patterns);

/// True if the plain pattern `end` is `name`, or its end after a dot.
bool ends_as(const std::string& name, const std::string& end);
/// True if a pattern is the end of a name, not a regular expression.
bool is_plain_pattern(const std::string& pattern);

/// Gives each of the named Linears in `model` a LoRA product without values. The layers have the model's
/// order.
LoraLayers add_lora(torch::nn::Module& model, const std::vector<std::string>& names, const LoraSize& size);

/// Draws A uniformly within 1/sqrt(in) (Kaiming with a = sqrt(5), as PEFT does) and sets B to zero: the
/// products then equal those of the base. Values are the same on every device and in every dtype.
void initialize_lora(const LoraLayers& layers, uint64_t seed);

/// Returns A and B of each layer with their names. They share memory with the layers.
std::vector<io::NamedTensor> lora_parameters(const LoraLayers& layers);

}  // namespace ccexpert::model
