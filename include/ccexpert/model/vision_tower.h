/// Exchangeable parts between pixels and decoder tokens. Shapes use the letters of core/shapes.h.
#pragma once

#include <vector>

#include <ccexpert/model/block_runner.h>

namespace ccexpert::model {

/// Encoder of single images into patch features.
class VisionTower : public torch::nn::Module {
 public:
  /// Maps normalised pixels [2B,3,P,P] to features of S depths, [2B,N,D] each. Images do not interact. A
  /// class token, if the features have one, comes first: [2B,1+N,D].
  virtual std::vector<at::Tensor> forward(const at::Tensor& pixels) const = 0;
  /// Returns the number of tokens before the patches in the features: 0, or 1 with a class token.
  virtual int64_t class_tokens() const { return 0; }
  /// Returns the number of blocks.
  virtual int64_t depth() const = 0;
  /// Returns D.
  virtual int64_t width() const = 0;
  /// Sets the runner of the blocks; the default is plain.
  virtual void set_runner(BlockRunnerRef runner) = 0;
};

/// Map from vision features to decoder tokens.
class Connector : public torch::nn::Module {
 public:
  /// Maps features [2B,N,D] to tokens [2B,N,H], or to another number of tokens for each image.
  virtual at::Tensor forward(const at::Tensor& features) const = 0;
  /// Sets the runner of the blocks; a connector without blocks ignores it.
  virtual void set_runner(const BlockRunnerRef& /*runner*/) {}
};

}  // namespace ccexpert::model
