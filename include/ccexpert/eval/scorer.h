/// All metrics of the paper's table at once, with how sure they are.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/eval/meteor.h>
#include <ccexpert/eval/metrics.h>
#include <ccexpert/eval/sample.h>

namespace ccexpert::eval {

struct ScorerOptions {
  Tokenizer tokenizer = Tokenizer::kReference;
  std::shared_ptr<const MeteorData> meteor = {};  ///< nothing: METEOR and S*m, which needs it, are left out
  std::vector<std::string> unchanged_sentences = levir_cc_unchanged_sentences();  ///< as people write them
};

/// Scores of some samples. A value that nothing tells of is NaN.
struct ScoreTable {
  std::vector<std::string> names;               ///< of the columns
  std::vector<double> corpus;                   ///< all samples together
  std::vector<std::vector<double>> pairs;       ///< each sample alone (CIDEr's: with the others' frequencies)
  std::vector<std::vector<double>> statistics;  ///< summands of the corpus, for resampling

  /// The corpus value of a column; NaN where there is no such column.
  double value(const std::string& name) const;
};

struct BootstrapOptions {
  int64_t resamples = 1000;
  double confidence = 0.95;
  uint64_t seed = 42;
};

struct Interval {
  double low;
  double high;
};

/// How one set of predictions differs from another on the same pairs: the other minus the one.
struct Difference {
  double value;
  Interval interval;
  double p;  ///< of the two-sided test that there is no difference
};

class Scorer {
 public:
  explicit Scorer(ScorerOptions options);
  ~Scorer();
  Scorer(Scorer&&) noexcept;
  Scorer& operator=(Scorer&&) noexcept;

  /// BLEU-1 to BLEU-4, METEOR, ROUGE-L, CIDEr-D, S*m, CIDEr, change accuracy.
  const std::vector<std::string>& names() const;

  /// Scores samples as if they were all there is. Texts are as people wrote them. Throws Error for a sample
  /// without a reference, and for one with a caption of more than 64 KiB or so many equal words that its
  /// alignment has no bound.
  ScoreTable score(std::span<const Sample> samples);

  /// Percentile intervals of a table's columns over samples drawn with replacement. CIDEr's document
  /// frequencies stay those of all samples.
  std::vector<Interval> intervals(const ScoreTable& table, const BootstrapOptions& options) const;

  /// The paired bootstrap test (Koehn, 2004) of two tables of the same samples in the same order.
  std::vector<Difference> compare(const ScoreTable& one, const ScoreTable& other,
                                  const BootstrapOptions& options) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::eval
