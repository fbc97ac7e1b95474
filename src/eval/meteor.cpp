// METEOR 1.5 with the parameters of its rank task for English.
#include <array>
#include <cmath>
#include <map>

#include <ccexpert/core/error.h>
#include <ccexpert/eval/meteor.h>

#include "core/foreign_errors.h"
#include "eval/meteor_align.h"
#include "eval/row_metric.h"

namespace ccexpert::eval {
namespace {

constexpr double kAlpha = 0.85;  // weight of recall in the mean
constexpr double kBeta = 0.20;   // exponent of the fragmentation
constexpr double kGamma = 0.60;  // maximum penalty for fragmentation
constexpr double kDelta = 0.75;  // weight of content words; function words have the rest
/// Weights of exact words, stems, synonyms and paraphrases.
constexpr std::array<double, 4> kMatchWeights{1.0, 0.6, 0.8, 0.6};
constexpr size_t kKinds = kMatchWeights.size();

/// Columns of a row, in the order of the original's statistics line. A fully matched pair has 0 chunks here.
enum Column : size_t {
  kPredictionLength,
  kReferenceLength,
  kPredictionFunctionWords,
  kReferenceFunctionWords,
  kMatches,  ///< for each kind: content words of the prediction, of the reference, function words likewise
  kChunks = kMatches + 4 * kKinds,
  kPredictionMatches,
  kReferenceMatches,
  kColumns
};

/// Returns the weighted share of matched words on a side, the prediction (0) or the reference (1).
double weighted_share(std::span<const double> sums, size_t side) {
  const double function_words = sums[kPredictionFunctionWords + side];
  const double content_words = sums[kPredictionLength + side] - function_words;
  double matched = 0.0;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const size_t first = kMatches + 4 * kind + side;
    matched += kMatchWeights.at(kind) * (kDelta * sums[first] + (1.0 - kDelta) * sums[first + 2]);
  }
  return matched / (kDelta * content_words + (1.0 - kDelta) * function_words);
}

double fragmentation(std::span<const double> sums) {
  return sums[kChunks] / ((sums[kPredictionMatches] + sums[kReferenceMatches]) / 2.0);
}

/// True if all words match in one chunk, which is not fragmented.
bool is_whole(std::span<const double> row) {
  return row[kChunks] == 1.0 && row[kPredictionMatches] == row[kPredictionLength] &&
         row[kReferenceMatches] == row[kReferenceLength];
}

double score(std::span<const double> sums) {
  if (sums[kPredictionMatches] == 0.0 || sums[kReferenceMatches] == 0.0) return 0.0;
  const double precision = weighted_share(sums, 0);
  const double recall = weighted_share(sums, 1);
  const double mean = 1.0 / ((1.0 - kAlpha) / precision + kAlpha / recall);
  return mean * (1.0 - kGamma * std::pow(fragmentation(sums), kBeta));
}

double function_words(const MeteorVocabulary& vocabulary, const std::vector<uint32_t>& words, size_t start,
                      size_t count) {
  double found = 0.0;
  for (size_t i = 0; i < count; ++i) found += vocabulary.word(words[start + i]).is_function_word ? 1.0 : 0.0;
  return found;
}

/// Returns the row of one prediction and one reference.
std::vector<double> row_of(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
                           const MeteorSentence& reference, const Alignment& alignment) {
  std::vector<double> row(kColumns, 0.0);
  const auto add = [&](const std::vector<uint32_t>& words, size_t side, size_t start, size_t count,
                       size_t kind) {
    const double function = function_words(vocabulary, words, start, count);
    row[kMatches + 4 * kind + side] += static_cast<double>(count) - function;
    row[kMatches + 4 * kind + 2 + side] += function;
    row[kPredictionMatches + side] += static_cast<double>(count);
  };
  for (const auto& match : alignment.matches) {
    const auto kind = static_cast<size_t>(match.kind);
    add(prediction.words, 0, match.prediction_start, match.prediction_words, kind);
    add(reference.words, 1, match.reference_start, match.reference_words, kind);
  }
  row[kPredictionLength] = static_cast<double>(prediction.words.size());
  row[kReferenceLength] = static_cast<double>(reference.words.size());
  row[kPredictionFunctionWords] = function_words(vocabulary, prediction.words, 0, prediction.words.size());
  row[kReferenceFunctionWords] = function_words(vocabulary, reference.words, 0, reference.words.size());
  row[kChunks] = static_cast<double>(alignment.chunks);
  if (is_whole(row)) row[kChunks] = 0.0;
  return row;
}

Alignment align(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
                const MeteorSentence& reference) {
  const auto candidates = match_candidates(vocabulary, prediction, reference);
  vocabulary.index().expect_whole();
  return best_alignment(candidates, prediction.words.size());
}

std::shared_ptr<const MeteorIndex> index_of(std::shared_ptr<const MeteorData> data) {
  if (!data) fail_expected({"METEOR", "its data", "none"});
  return std::dynamic_pointer_cast<const MeteorIndex>(std::move(data));
}

class Meteor : public RowMetric {
 public:
  explicit Meteor(std::shared_ptr<const MeteorIndex> index) : vocabulary_(std::move(index)) {}

  std::vector<std::string> names() const override { return {"METEOR"}; }
  std::vector<double> from_sums(std::span<const double> sums) const override { return {score(sums)}; }

 protected:
  std::vector<double> row_of(const CaptionedPair& pair) override {
    const auto* best = &pair_row(pair.prediction, pair.references.front());
    for (const auto& text : pair.references) {
      const auto& row = pair_row(pair.prediction, text);
      if (score(row) > score(*best)) best = &row;
    }
    return *best;
  }

 private:
  /// Returns the cached row of a pair of captions; captions repeat, especially those of unchanged pairs.
  const std::vector<double>& pair_row(const std::string& prediction, const std::string& reference) {
    const auto& said = vocabulary_.sentence(prediction);
    const auto& expected = vocabulary_.sentence(reference);
    auto& row = rows_[{&said, &expected}];
    if (row.empty()) row = eval::row_of(vocabulary_, said, expected, align(vocabulary_, said, expected));
    return row;
  }

  MeteorVocabulary vocabulary_;
  std::map<std::pair<const MeteorSentence*, const MeteorSentence*>, std::vector<double>> rows_;
};

}  // namespace

std::unique_ptr<Metric> make_meteor(std::shared_ptr<const MeteorData> data) {
  return std::make_unique<Meteor>(index_of(std::move(data)));
}

class MeteorAligner::Impl {
 public:
  explicit Impl(std::shared_ptr<const MeteorIndex> index) : vocabulary_(std::move(index)) {}

  MeteorAlignment align(const std::string& prediction, const std::string& reference) {
    const auto& said = vocabulary_.sentence(prediction);
    const auto& expected = vocabulary_.sentence(reference);
    auto alignment = eval::align(vocabulary_, said, expected);
    const auto row = row_of(vocabulary_, said, expected, alignment);
    return {.prediction = texts(said),
            .reference = texts(expected),
            .matches = std::move(alignment.matches),
            .score = score(row)};
  }

 private:
  std::vector<std::string> texts(const MeteorSentence& sentence) const {
    std::vector<std::string> words;
    for (const uint32_t number : sentence.words) words.push_back(vocabulary_.word(number).text);
    return words;
  }

  MeteorVocabulary vocabulary_;
};

MeteorAligner::MeteorAligner(std::shared_ptr<const MeteorData> data)
    : impl_(std::make_unique<Impl>(index_of(std::move(data)))) {}
MeteorAligner::~MeteorAligner() = default;

MeteorAlignment MeteorAligner::align(const std::string& prediction, const std::string& reference) try {
  return impl_->align(prediction, reference);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
