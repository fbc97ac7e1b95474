/// Unit of scoring: an image pair with a model's caption and human captions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ccexpert/core/names.h>

namespace ccexpert::eval {

struct CaptionedPair {                  ///< Prediction and references of a pair
  std::string uid;                      ///< name of the pair
  std::string prediction;               ///< may be empty
  std::vector<std::string> references;  ///< at least one
  std::optional<bool> changed = {};     ///< nothing if unknown
};

/// Tokenization of captions. Papers use different ones, so their scores differ.
enum class Tokenizer {
  kReference,  ///< CCExpert's: lower case, every "." deleted, words separated by spaces; commas stay
  kPtb,        ///< the COCO evaluation's: Penn Treebank tokens in lower case without punctuation
};
constexpr auto names_of(Tokenizer) {
  return std::to_array<Name<Tokenizer>>({{Tokenizer::kReference, "reference"}, {Tokenizer::kPtb, "ptb"}});
}

/// Returns the text as metrics expect it: words separated by spaces. A line break counts as a space.
std::string tokenize(const std::string& text, Tokenizer tokenizer);

/// Returns the pair with all its texts tokenized.
CaptionedPair tokenize(CaptionedPair pair, Tokenizer tokenizer);

}  // namespace ccexpert::eval
