/// Layers shared by all parts of the model. Parameters are created without values: they are loaded or
/// initialised from outside, and an untouched parameter uses no memory yet.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <torch/nn/module.h>

#include <ccexpert/model/activation.h>
#include <ccexpert/model/product.h>
#include <ccexpert/model/weight_contract.h>

namespace ccexpert::model {

using ModuleRef = std::shared_ptr<torch::nn::Module>;  ///< module of any kind

/// Module that only groups others, for checkpoint names with dots.
class ModuleGroup : public torch::nn::Module {
 public:
  /// Registers `child` and returns it.
  template <class Module>
  std::shared_ptr<Module> add(const std::string& name, std::shared_ptr<Module> child) {
    return register_module(name, std::move(child));
  }
  /// Registers a parameter and returns it.
  at::Tensor add(const std::string& name, at::Tensor parameter) {
    return register_parameter(name, std::move(parameter));
  }
};

/// Applies an activation function to each element.
at::Tensor activate(Activation activation, const at::Tensor& x);

/// y = x W^T + b. Every matrix product with weights uses this class, so that its arithmetic can be replaced.
class Linear : public torch::nn::Module {
 public:
  /// Weight [out,in] and, unless `bias` is false, bias [out].
  Linear(int64_t in, int64_t out, bool bias, const at::TensorOptions& options);
  /// Weight of `shape` [out,...], the kernel of a convolution without overlap, and, unless `bias` is false,
  /// bias [out].
  Linear(at::IntArrayRef shape, const at::TensorOptions& options, bool bias = true);
  /// Uses the weight [out,in] of another module, which stays its only owner: no parameter, no bias.
  explicit Linear(at::Tensor shared);

  /// Maps [...,in] to [...,out] by the product from outside if there is one, else by the own weights.
  at::Tensor forward(const at::Tensor& x) const { return forward(x, matrix()); }
  /// Same, with `matrix` for the own one: gradient checkpointing needs it as an input.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& matrix) const;
  /// Returns the weight as [out,in], a view of it.
  at::Tensor matrix() const { return weight.dim() == 2 ? weight : weight.flatten(1); }

  /// Replaces the arithmetic; null restores the own. `reads`: tensors that the product reads from a
  /// checkpoint in place of the parameters, with names after this layer's; empty: the parameters.
  void set_product(std::shared_ptr<const Product> product, WeightContract reads = {});
  /// Returns the product from outside; null: own weights.
  const std::shared_ptr<const Product>& product() const { return product_; }
  const WeightContract& product_weights() const { return product_weights_; }

  at::Tensor weight;  ///< [outputs,inputs]
  at::Tensor bias;    ///< [outputs], or undefined

 private:
  std::shared_ptr<const Product> product_;
  WeightContract product_weights_;
};

/// Calls `visit` for each Linear in `module` with the name of its weight in a checkpoint without ".weight";
/// empty for `module` itself. A tied head is visited as `lm_head`.
void for_each_linear(torch::nn::Module& module,
                     const std::function<void(const std::string& name, Linear& linear)>& visit);

/// Norm over the last dimension.
class Norm : public torch::nn::Module {
 public:
  Norm(int64_t width, double eps, const at::TensorOptions& options);
  virtual at::Tensor forward(const at::Tensor& x) const = 0;  ///< Returns the norm of x [...,width]
  double eps() const { return eps_; }                         ///< epsilon

  at::Tensor weight;  ///< [width]
  at::Tensor bias;    ///< undefined: RMSNorm, else LayerNorm

 private:
  double eps_;
};

/// LayerNorm with weight and bias.
class LayerNorm : public Norm {
 public:
  LayerNorm(int64_t width, double eps, const at::TensorOptions& options);
  at::Tensor forward(const at::Tensor& x) const override;  ///< Returns the norm of x [...,width]
};

/// x / sqrt(mean(x^2) + eps) * weight.
class RmsNorm : public Norm {
 public:
  using Norm::Norm;
  at::Tensor forward(const at::Tensor& x) const override;  ///< Returns the norm of x [...,width]
};

/// Computes the results of `steps` for each of `linears`, in their order: in one pass if the products from
/// outside can, else step by step by the layers' forward.
std::vector<at::Tensor> apply_steps(const ProductSteps& steps, const std::vector<const Linear*>& linears);
/// Same for one Linear.
at::Tensor apply_steps(const ProductSteps& steps, const Linear& linear);
/// Computes activation(gate(x)) * up(x), with the other steps.
at::Tensor apply_gated(ProductSteps steps, const Linear& gate, const Linear& up);

/// Embedding table: ids [...] to vectors [...,width].
class Embedding : public torch::nn::Module {
 public:
  Embedding(int64_t rows, int64_t width, const at::TensorOptions& options);
  /// Looks up by the product from outside if there is one, else in the own table.
  at::Tensor forward(const at::Tensor& ids) const;

  /// Same as `Linear::set_product`; `product` maps ids [...] to vectors [...,width].
  void set_product(std::shared_ptr<const Product> product, WeightContract reads = {});
  const WeightContract& product_weights() const { return product_weights_; }

  at::Tensor weight;  ///< [rows,width]

 private:
  std::shared_ptr<const Product> product_;
  WeightContract product_weights_;
};

}  // namespace ccexpert::model
