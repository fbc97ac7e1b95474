/// What is scored: one pair of images, what a model said of it, and what people said.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ccexpert::eval {

struct Sample {
  std::string uid;
  std::string prediction;               ///< may be empty
  std::vector<std::string> references;  ///< at least one
  std::optional<bool> changed = {};     ///< nothing where nobody says
};

/// How texts become words. Papers differ in this, so their scores do.
enum class Tokenizer {
  kReference,  ///< CCExpert's: lower case, every "." deleted, words apart by blanks; commas stay
  kPtb,        ///< the COCO evaluation's: Penn Treebank tokens in lower case without punctuation
};

/// "reference" or "ptb"; Error for others.
Tokenizer tokenizer_of(const std::string& name);
std::string tokenizer_name(Tokenizer tokenizer);

/// The text as metrics take it: words apart by blanks. A line break counts as a blank.
std::string tokenize(const std::string& text, Tokenizer tokenizer);

/// The sample with all its texts tokenized.
Sample tokenize(Sample sample, Tokenizer tokenizer);

}  // namespace ccexpert::eval
