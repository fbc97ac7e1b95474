#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "eval/meteor_align.h"

namespace ccexpert::eval {
namespace {

using Kind = MeteorMatch::Kind;

/// The alignment takes 4 us and 600 bytes per candidate. The limit is above the candidates of a caption of
/// 4096 tokens with a reference of a hundred words.
constexpr size_t kMostCandidates = size_t{1} << 19;
constexpr size_t kMostWordPairs = size_t{1} << 26;

/// Collector of candidates of one pair of sentences.
class Candidates {
 public:
  Candidates(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
             const MeteorSentence& reference)
      : vocabulary_(vocabulary),
        prediction_(prediction),
        reference_(reference),
        found_(reference.words.size()) {}

  template <class Matches>
  void add_words(Kind kind, Matches matches) {
    for (size_t i = 0; i < prediction_.words.size(); ++i) {
      for (size_t j = 0; j < reference_.words.size(); ++j) {
        if (matches(prediction_.words[i], reference_.words[j])) add({i, 1, j, 1, kind});
      }
    }
  }

  /// Adds paraphrases. Those in the table in both directions are found twice and so are not definite matches.
  /// The order, which decides ties, is the table's: by the looked-up phrase, then by the other's text, then
  /// by place.
  void add_paraphrases() {
    for (const auto& phrase : reference_.phrases) {
      for (const auto& other : prediction_.phrases_by_text) {
        if (vocabulary_.has_paraphrase(phrase, other)) add(other, phrase);
      }
    }
    for (const auto& phrase : prediction_.phrases) {
      for (const auto& other : reference_.phrases_by_text) {
        if (vocabulary_.has_paraphrase(phrase, other)) add(phrase, other);
      }
    }
  }

  MatchCandidates take() { return std::move(found_); }

 private:
  void add(const MeteorPhrase& said, const MeteorPhrase& expected) {
    add({said.start, said.length, expected.start, expected.length, Kind::kParaphrase});
  }

  void add(const MeteorMatch& match) {
    if (++count_ > kMostCandidates)
      fail_expected({"METEOR", fmt::format("captions of at most {} pairs of matching words", kMostCandidates),
                     "more", "a caption repeats a word thousands of times"});
    found_[match.reference_start].push_back(match);
  }

  const MeteorVocabulary& vocabulary_;
  const MeteorSentence& prediction_;
  const MeteorSentence& reference_;
  MatchCandidates found_;
  size_t count_ = 0;
};

void expect_bounded(const MeteorSentence& prediction, const MeteorSentence& reference) {
  const size_t said = prediction.words.size(), expected = reference.words.size();
  if (said * expected > kMostWordPairs)
    fail_expected({"METEOR", fmt::format("captions of at most {} pairs of words", kMostWordPairs),
                   fmt::format("{} by {} words", said, expected)});
}

}  // namespace

MatchCandidates match_candidates(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
                                 const MeteorSentence& reference) {
  expect_bounded(prediction, reference);
  Candidates candidates(vocabulary, prediction, reference);
  candidates.add_words(Kind::kExact, [](uint32_t a, uint32_t b) { return a == b; });
  // For equal sentences no other candidates can be better.
  if (prediction.words == reference.words) return candidates.take();
  const auto word = [&](uint32_t number) -> const MeteorWord& { return vocabulary.word(number); };
  candidates.add_words(Kind::kStem,
                       [&](uint32_t a, uint32_t b) { return a != b && word(a).stem == word(b).stem; });
  candidates.add_words(Kind::kSynonym,
                       [&](uint32_t a, uint32_t b) { return a != b && are_synonyms(word(a), word(b)); });
  candidates.add_paraphrases();
  return candidates.take();
}

}  // namespace ccexpert::eval
