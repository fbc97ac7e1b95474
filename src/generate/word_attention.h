// Attention of the decoder to image patches, for each word of a caption.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/generate/change_map.h>
#include <ccexpert/model/decoder.h>
#include <ccexpert/text/tokenizer.h>

namespace ccexpert::generate {

/// Word of a caption with the tokens that spell it.
struct CaptionWord {
  std::string text;
  std::vector<int64_t> tokens;  ///< indices, in rising order
};

/// Splits the text of a caption at blanks. `ids` are the caption's, without an end token.
std::vector<CaptionWord> caption_words(const text::Tokenizer& tokenizer, std::span<const int64_t> ids);

/// Places of the image tokens in the prompts of a batch.
struct ImagePlaces {
  int64_t tokens = 0;   ///< of an image, in a prompt
  int64_t outside = 0;  ///< of them, those before the patches
  at::Tensor patches;   ///< [B,n] of the grid, in the order of their tokens
  int64_t grid = 0;     ///< G
};

/// Finished captions and their prompts.
struct ProbedCaptions {
  const std::vector<std::vector<int64_t>>& prompts;
  const std::vector<std::vector<int64_t>>& captions;  ///< may be empty
  const ImagePlaces& images;
};

/// Computes the attention of the tokens of captions to the patches of both images, [B,T,G*G] with T the
/// tokens of the longest one: the mean over heads and blocks of the queries that chose the tokens. `prompts`
/// has the keys of the prompts, and room for the captions. Patches without a token get 0.
at::Tensor caption_attention(const model::Decoder& decoder, model::KvCache prompts,
                             const ProbedCaptions& probed);

/// Returns the values [W,G*G] of words from the attention [T,G*G] of the caption's tokens: more than the
/// caption's mean, or all of it for a caption of one word; the largest one is 1.
at::Tensor word_values(const at::Tensor& attention, const std::vector<CaptionWord>& words);

}  // namespace ccexpert::generate
