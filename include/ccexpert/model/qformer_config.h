/// Sizes of BLIP-2's Q-Former, as in a checkpoint's config.json.
#pragma once

#include <cstdint>
#include <tuple>

#include <ccexpert/model/part_configs.h>

namespace ccexpert::model {

/// Q-Former between a vision tower and the decoder. The defaults are BLIP-2's: BERT-base with 32 queries.
struct QFormerConfig {
  int64_t num_query_tokens = 32;
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t cross_attention_frequency = 2;
  double layer_norm_eps = 1e-12;
  double image_norm_eps = 1e-5;  ///< MiniGPT-4's; transformers gives its BLIP-2 the tower's 1e-6
  Activation hidden_act = Activation::kGelu;

  /// True if layer `layer` reads the image features.
  bool reads_image(int64_t layer) const { return layer % cross_attention_frequency == 0; }

  static constexpr const char* kTitle = "qformer_config";  ///< in messages
  static constexpr auto fields() {
    using Self = QFormerConfig;
    return std::tuple{
        field("num_query_tokens", &Self::num_query_tokens, "learned queries: decoder tokens of an image",
              kPixelRange),
        field("hidden_size", &Self::hidden_size, "width of a query", kSizeRange),
        field("intermediate_size", &Self::intermediate_size, "width inside the MLP", kSizeRange),
        field("num_hidden_layers", &Self::num_hidden_layers, "layers", kLayerRange),
        field("num_attention_heads", &Self::num_attention_heads, "attention heads", kSizeRange),
        field("cross_attention_frequency", &Self::cross_attention_frequency,
              "every so many layers, from the first on, one reads the image features", kLayerRange),
        field("layer_norm_eps", &Self::layer_norm_eps, "epsilon of the layer norms", kEpsilonRange),
        field("image_norm_eps", &Self::image_norm_eps, "epsilon of the norm of the image features",
              kEpsilonRange),
        field("hidden_act", &Self::hidden_act, "activation of the MLP", among(Activation::kGelu))};
  }
};

}  // namespace ccexpert::model
