// One folder of MiniGPT-4 from the files that people have. No LibTorch types, for commands without them.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ccexpert::model {

/// Files of MiniGPT-4's parts. Weights are a file of torch.save, a *.safetensors file, or a folder with them.
struct MiniGpt4Files {
  /// EVA-CLIP: BLIP-2's eva_vit_g.pth, or a folder of transformers' BLIP-2, whose config.json has the sizes
  /// that shapes do not tell.
  std::filesystem::path vision = {};
  /// Q-Former and the norm before it: BLIP-2's blip2_pretrained_flant5xxl.pth, or a folder of transformers'
  /// BLIP-2.
  std::filesystem::path qformer = {};
  /// MiniGPT-4's own weights: the projection; other trained weights in it replace those of `qformer`.
  std::filesystem::path projection = {};
  std::filesystem::path decoder = {};  ///< folder of a LLaMA (Vicuna) with its tokenizer
  std::filesystem::path out = {};      ///< folder to write; must not be a checkpoint yet
  int64_t blocks = 39;                 ///< of the tower, of which a file may have more
};

/// Contents of a merged folder.
struct MergedMiniGpt4 {
  int64_t tensors = 0;
  int64_t parameters = 0;
  int64_t image_size = 0;
  int64_t image_tokens = 0;
};

/// Writes config.json, weights in their stored precision, the decoder's tokenizer and BLIP-2's image
/// processor. Weights are mapped, not read into memory. Throws Error naming what is missing, and for parts
/// that do not fit together; nothing is written then.
MergedMiniGpt4 merge_minigpt4(const MiniGpt4Files& files);

}  // namespace ccexpert::model
