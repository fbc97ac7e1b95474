#include "eval/marked_words.h"

#include <sstream>

namespace ccexpert::tools {
namespace {

using eval::MeteorAlignment;
using eval::MeteorMatch;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Matches equal words, each used once, from left to right; the score is the share of matching words.
MeteorAlignment equal_words(const std::string& prediction, const std::string& reference) {
  MeteorAlignment alignment{
      .prediction = words_of(prediction), .reference = words_of(reference), .matches = {}};
  std::vector<bool> used(alignment.prediction.size(), false);
  for (size_t j = 0; j < alignment.reference.size(); ++j) {
    for (size_t i = 0; i < used.size(); ++i) {
      if (used[i] || alignment.prediction[i] != alignment.reference[j]) continue;
      used[i] = true;
      alignment.matches.push_back({i, 1, j, 1, MeteorMatch::Kind::kExact});
      break;
    }
  }
  const size_t words = alignment.prediction.size() + alignment.reference.size();
  alignment.score =
      words == 0 ? 0.0 : 2.0 * static_cast<double>(alignment.matches.size()) / static_cast<double>(words);
  return alignment;
}

MarkedPair marked(const MeteorAlignment& alignment, size_t reference) {
  MarkedPair pair{.prediction = {}, .reference = reference, .words = {}};
  for (const auto& word : alignment.prediction) pair.prediction.push_back({word, "missed"});
  for (const auto& word : alignment.reference) pair.words.push_back({word, "missed"});
  for (const auto& match : alignment.matches) {
    const char* mark = match.kind == MeteorMatch::Kind::kExact ? "exact" : "near";
    for (size_t i = 0; i < match.prediction_words; ++i)
      pair.prediction[match.prediction_start + i].mark = mark;
    for (size_t i = 0; i < match.reference_words; ++i) pair.words[match.reference_start + i].mark = mark;
  }
  return pair;
}

}  // namespace

WordMarker::WordMarker(const std::shared_ptr<const eval::MeteorData>& meteor, eval::Tokenizer tokenizer)
    : aligner_(meteor ? std::make_unique<eval::MeteorAligner>(meteor) : nullptr), tokenizer_(tokenizer) {}
WordMarker::~WordMarker() = default;

MeteorAlignment WordMarker::align(const std::string& prediction, const std::string& reference) {
  return aligner_ ? aligner_->align(prediction, reference) : equal_words(prediction, reference);
}

MarkedPair WordMarker::mark(const eval::CaptionedPair& sample) {
  const auto tokenized = eval::tokenize(sample, tokenizer_);
  MeteorAlignment best;
  size_t place = 0;
  for (size_t i = 0; i < tokenized.references.size(); ++i) {
    auto alignment = align(tokenized.prediction, tokenized.references[i]);
    if (i > 0 && alignment.score <= best.score) continue;
    best = std::move(alignment);
    place = i;
  }
  return marked(best, place);
}

}  // namespace ccexpert::tools
