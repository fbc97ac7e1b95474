/// Tensor parallelism: several processes compute one decoder together, each with some of its heads and a
/// share of its MLP. The model knows neither processes nor their communication.
#pragma once

#include <cstdint>
#include <functional>

#include <ccexpert/model/weights.h>

namespace ccexpert::model {

/// One part of a decoder.
struct DecoderPart {
  int64_t number = 0;  ///< 0 <= number < parts
  int64_t parts = 1;
  /// Replaces a tensor by its sum over all parts. All parts call it in the same order.
  std::function<void(const at::Tensor&)> sum;
};

/// Returns the sizes of each part: `1 / parts` of the heads, key heads and inner width of the MLP. Throws
/// Error if they cannot be divided.
DecoderConfig config_of_part(const DecoderConfig& config, int64_t parts);

/// Builds a model whose decoder is one part; all other weights are whole. Reads only the part of each stored
/// tensor. `forward` of the decoder gives the same result on all parts. Throws Error like config_of_part and
/// build_model.
std::shared_ptr<CcexpertModel> build_model_part(ModelConfig config, const io::TensorSource& source,
                                                const BuildModelOptions& options, const DecoderPart& part);

/// Builds one part of a decoder alone, without embedding and head: `forward` maps embeddings as that of the
/// whole decoder. Reads only the part of each stored tensor of blocks, and the final norm. Throws Error
/// likewise.
std::shared_ptr<Decoder> build_decoder_part(const DecoderConfig& config, const io::TensorSource& source,
                                            const at::TensorOptions& tensor, const DecoderPart& part);

}  // namespace ccexpert::model
