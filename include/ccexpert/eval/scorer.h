/// Scorer of all metrics in the paper's table, with confidence intervals.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/eval/captioned_pair.h>
#include <ccexpert/eval/meteor.h>
#include <ccexpert/eval/metrics.h>

namespace ccexpert::eval {

struct ScorerOptions {                            ///< How captions are scored
  Tokenizer tokenizer = Tokenizer::kReference;    ///< of predictions and references
  std::shared_ptr<const MeteorData> meteor = {};  ///< nothing: without METEOR and S*m, which needs it
  std::vector<std::string> unchanged_sentences = levir_cc_unchanged_sentences();  ///< not tokenized
};

/// Scores of samples. An undefined value is NaN.
struct ScoreTable {
  std::vector<std::string> names;  ///< names of the columns
  std::vector<double> corpus;      ///< all samples together
  std::vector<std::vector<double>>
      pairs;  ///< each sample alone (CIDEr: with the document frequencies of all)
  std::vector<std::vector<double>> statistics;  ///< summands of the corpus, for resampling

  /// Returns the corpus value of a column; NaN if there is no such column.
  double value(const std::string& name) const;
};

struct BootstrapOptions {    ///< How intervals are computed
  int64_t resamples = 1000;  ///< with replacement, of the pairs
  double confidence = 0.95;  ///< 0 to 1
  uint64_t seed = 42;        ///< of the resamples
};

struct Interval {  ///< Confidence interval
  double low;      ///< lower end
  double high;     ///< upper end
};

/// Difference between two sets of predictions for the same pairs: second minus first.
struct Difference {
  double value;       ///< difference of the scores
  Interval interval;  ///< of the difference
  double p;           ///< p-value of the two-sided test for no difference
};

class Scorer {  ///< Scores captions by all metrics
 public:
  explicit Scorer(ScorerOptions options);  ///< Reads METEOR's tables, if it is asked for
  ~Scorer();
  Scorer(Scorer&&) noexcept;
  Scorer& operator=(Scorer&&) noexcept;

  /// BLEU-1 to BLEU-4, METEOR, ROUGE-L, CIDEr-D, S*m, CIDEr, change accuracy.
  const std::vector<std::string>& names() const;

  /// Scores samples as a whole corpus. Texts are not tokenized yet. Throws Error for a sample without a
  /// reference, with a caption of more than 64 KiB, or with so many equal words that its alignment would be
  /// unbounded.
  ScoreTable score(std::span<const CaptionedPair> samples);

  /// Returns percentile intervals of a table's columns over samples drawn with replacement. CIDEr keeps the
  /// document frequencies of all samples.
  std::vector<Interval> intervals(const ScoreTable& table, const BootstrapOptions& options) const;

  /// Runs the paired bootstrap test (Koehn, 2004) on two tables of the same samples in the same order.
  std::vector<Difference> compare(const ScoreTable& one, const ScoreTable& other,
                                  const BootstrapOptions& options) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::eval
