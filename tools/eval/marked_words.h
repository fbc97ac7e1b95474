// Matching words of a prediction and its best reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/eval/captioned_pair.h>
#include <ccexpert/eval/meteor.h>

namespace ccexpert::tools {

/// Word with its kind of match: "exact", "near" (stem, synonym or paraphrase) or "missed".
struct MarkedWord {
  std::string text;
  const char* mark;
};

struct MarkedPair {
  std::vector<MarkedWord> prediction;
  size_t reference = 0;           ///< index of the best-matching reference
  std::vector<MarkedWord> words;  ///< words of that reference
};

/// Marker of words by METEOR's alignment with the best-scoring reference. Without METEOR's data only equal
/// words match.
class WordMarker {
 public:
  WordMarker(const std::shared_ptr<const eval::MeteorData>& meteor, eval::Tokenizer tokenizer);
  ~WordMarker();
  MarkedPair mark(const eval::CaptionedPair& sample);

 private:
  eval::MeteorAlignment align(const std::string& prediction, const std::string& reference);

  std::unique_ptr<eval::MeteorAligner> aligner_;
  eval::Tokenizer tokenizer_;
};

}  // namespace ccexpert::tools
