/// Values of a model's parameters: strictly from named tensors, or fresh.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <torch/nn/module.h>

#include <ccexpert/io/tensor_source.h>
#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::model {

/// Values of a checkpoint and the memory that they fill, of equal shapes.
struct WeightCopy {
  at::Tensor stored;  ///< tensor of the checkpoint
  at::Tensor target;  ///< tensor of the model
};

/// Selects what this process keeps of a stored tensor.
using SelectWeights = std::function<WeightCopy(const ExpectedTensor& expected, const at::Tensor& stored)>;

struct LoadWeightsOptions {  ///< How weights are loaded
  /// True for names in the source that may be unused; null: none.
  std::function<bool(std::string_view)> may_be_unused = nullptr;
  /// True for parameters that may be missing and then keep their values; null: none.
  std::function<bool(std::string_view)> may_be_missing = nullptr;
  /// Null: every tensor is copied whole.
  SelectWeights select = nullptr;
};

/// Returns the tensors that `module` reads: its parameters by name, in any floating-point dtype; for a Linear
/// whose product reads other tensors, those, last.
WeightContract weight_contract(torch::nn::Module& module);

/// Fills every target of `contract` from `source`, converted to the target's dtype and device, one tensor at
/// a time: no second copy of the weights exists. Throws one Error that names the first missing, unexpected
/// and mis-shaped tensors, or Error for a dtype, before any copy; or Error for NaN or infinity.
void load_weights(const WeightContract& contract, const io::TensorSource& source,
                  const LoadWeightsOptions& options = {});
/// Same for the contract of `module`.
void load_weights(torch::nn::Module& module, const io::TensorSource& source,
                  const LoadWeightsOptions& options = {});

/// True if the tensors include a Diff Expert; a LLaVA-OneVision base has none.
bool has_diff_expert(const io::TensorSource& source);

/// Builds a model from a config and a checkpoint's tensors in the authors' names. A stored head is used even
/// if the config ties it. `fresh_diff_expert`: a base's missing Diff Expert is initialised by `fresh`.
/// `resize_positions`: a position embedding for another image size is resized to the config's (bicubic); else
/// it is an error. `prepare`: called before weights are compared and loaded, to give products to Linears;
/// first with a model on the meta device, which has shapes only, then with the model. Null: nothing. `take`:
/// called with the model before weights are loaded and after fresh ones are drawn, to move its parameters
/// elsewhere; returns what is loaded of each. Null: nothing.
struct BuildModelOptions {
  at::TensorOptions tensor = {};                                ///< dtype and device
  bool fresh_diff_expert = false;                               ///< draw it if the checkpoint has none
  FreshWeights fresh = {};                                      ///< how weights are drawn
  bool resize_positions = false;                                ///< interpolate the position embedding
  std::function<void(CcexpertModel&)> prepare = nullptr;        ///< called before weights are loaded
  std::function<SelectWeights(CcexpertModel&)> take = nullptr;  ///< weights to load
};
std::shared_ptr<CcexpertModel> build_model(ModelConfig config, const io::TensorSource& source,
                                           const BuildModelOptions& options);  ///< with its weights

/// Initialises the whole model: matrices normal (the patch embedding's deviation depends on its number of
/// inputs), an image_newline normal with deviation 1/sqrt(H) as in LLaVA, norms 1, biases 0, Diff Expert as
/// `DiffExpert::initialize`. Values are the same on every device and in every dtype.
void initialize_weights(CcexpertModel& model, const FreshWeights& fresh);

}  // namespace ccexpert::model
