/// Score of one caption against others, by one metric.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/core/caption_metric.h>
#include <ccexpert/eval/captioned_pair.h>
#include <ccexpert/eval/meteor.h>

namespace ccexpert::eval {

struct CaptionScorerOptions {
  CaptionMetric metric = CaptionMetric::kCiderD;
  Tokenizer tokenizer = Tokenizer::kReference;
  std::filesystem::path meteor_data = {};  ///< folder of METEOR's tables; empty: MeteorData::default_folder
};

/// True if the metric needs METEOR's tables.
bool needs_meteor(CaptionMetric metric);

/// Scores single captions, as ScoreTable::pairs does, but with document frequencies that do not depend on the
/// scored captions. Not thread-safe.
class CaptionScorer {
 public:
  /// `documents` are the references of each pair of a corpus, which give CIDEr's document frequencies;
  /// without any, all n-grams have the same weight. Throws Error if METEOR's tables are needed and missing.
  explicit CaptionScorer(const CaptionScorerOptions& options,
                         std::span<const std::vector<std::string>> documents = {});
  ~CaptionScorer();
  CaptionScorer(CaptionScorer&&) noexcept;
  CaptionScorer& operator=(CaptionScorer&&) noexcept;

  /// Texts are not tokenized yet; there is at least one reference. Values are fractions (CIDEr-D's reach 10).
  double score(const std::string& caption, const std::vector<std::string>& references);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::eval
