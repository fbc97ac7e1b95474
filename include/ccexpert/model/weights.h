/// Values for a model's parameters: from named tensors, strictly, or fresh.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <torch/nn/module.h>

#include <ccexpert/io/tensor_source.h>
#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert {

struct LoadWeightsOptions {
  /// Names in the source that may be left over; null: none.
  std::function<bool(std::string_view)> may_be_unused = nullptr;
  /// Parameters that may be absent and then keep what they hold; null: none.
  std::function<bool(std::string_view)> may_be_missing = nullptr;
};

/// Copies every parameter of `module` from `source`, converted to the parameter's dtype and device, one
/// tensor at a time: no second copy of the weights exists. Names are the module's own. Throws one Error that
/// names the first missing, unexpected and mis-shaped tensors, before any copy; or Error for NaN or infinity.
void load_weights(torch::nn::Module& module, const io::TensorSource& source,
                  const LoadWeightsOptions& options = {});

/// Whether a Diff Expert is among the tensors; a LLaVA-OneVision base has none.
bool has_diff_expert(const io::TensorSource& source);

/// Makes a model from a config and a checkpoint's tensors in the authors' names. A head that is stored is
/// used, whatever the config says of tying. `fresh_diff_expert`: a base's missing Diff Expert starts as
/// `fresh` says. `resize_positions`: a position embedding for another image size than the config's is
/// stretched to it (bicubic); else it is an error.
struct BuildModelOptions {
  at::TensorOptions tensor = {};  ///< dtype and device
  bool fresh_diff_expert = false;
  FreshWeights fresh = {};
  bool resize_positions = false;
};
std::shared_ptr<CcexpertModel> build_model(ModelConfig config, const io::TensorSource& source,
                                           const BuildModelOptions& options);

/// Fresh values for the whole model: matrices normal (the patch embedding's deviation is by its number of
/// inputs), an image_newline normal with deviation 1/sqrt(H) as in LLaVA, norms 1, biases 0, Diff Expert as
/// `DiffExpert::initialize`. The same on every device and in every dtype.
void initialize_weights(CcexpertModel& model, const FreshWeights& fresh);

}  // namespace ccexpert
