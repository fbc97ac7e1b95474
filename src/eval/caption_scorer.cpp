#include "eval/shared/caption_scorer.h"

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/eval/metrics.h>

#include "core/foreign_errors.h"
#include "eval/cider_score.h"

namespace ccexpert::eval {
namespace {

std::unique_ptr<Metric> meteor_for(const CaptionScorerOptions& options) {
  if (!needs_meteor(options.metric)) return nullptr;
  const auto folder = options.meteor_data.empty() ? MeteorData::default_folder() : options.meteor_data;
  return make_meteor(
      MeteorData::open(folder, [] { log::info("building the index of METEOR's tables, once"); }));
}

/// Returns the last value of a metric for one pair: BLEU's is BLEU-4.
double last_value(Metric& metric, const CaptionedPair& pair) {
  metric.reset();
  metric.add(pair);
  return metric.value().back();
}

}  // namespace

bool needs_meteor(CaptionMetric metric) {
  return metric == CaptionMetric::kMeteor || metric == CaptionMetric::kSStarM;
}

class CaptionScorer::Impl {
 public:
  Impl(const CaptionScorerOptions& options, std::span<const std::vector<std::string>> documents)
      : options_(options), meteor_(meteor_for(options)) {
    for (const auto& document : documents) {
      std::vector<NgramCounts> texts;
      for (const auto& text : document) texts.push_back(ids_.count(tokenize(text, options_.tokenizer)));
      documents_.add(texts, ids_.size());
    }
  }

  double score(const std::string& caption, const std::vector<std::string>& references) {
    if (references.empty()) fail_expected({"caption score", "at least one reference", "none"});
    return value(options_.metric,
                 tokenize({.uid = {}, .prediction = caption, .references = references}, options_.tokenizer));
  }

 private:
  double value(CaptionMetric metric, const CaptionedPair& pair) {
    switch (metric) {
      case CaptionMetric::kCiderD:
        return cider_d(pair);
      case CaptionMetric::kBleu4:
        return last_value(*make_bleu(), pair);
      case CaptionMetric::kRougeL:
        return last_value(*make_rouge_l(), pair);
      case CaptionMetric::kMeteor:
        return last_value(*meteor_, pair);
      case CaptionMetric::kSStarM:
        break;
    }
    double sum = 0.0;
    for (const auto part :
         {CaptionMetric::kBleu4, CaptionMetric::kMeteor, CaptionMetric::kRougeL, CaptionMetric::kCiderD})
      sum += value(part, pair);
    return sum / 4.0;
  }

  double cider_d(const CaptionedPair& pair) const {
    // The ids of this call's n-grams are forgotten after it: sampled captions bring new ones without end.
    NgramIds ids(&ids_);
    const auto prediction = ids.count(pair.prediction);
    std::vector<NgramCounts> references;
    for (const auto& text : pair.references) references.push_back(ids.count(text));
    return cider_score(CiderKind::kD, documents_, prediction, references);
  }

  const CaptionScorerOptions options_;
  const std::unique_ptr<Metric> meteor_;
  NgramIds ids_;  ///< of the documents
  DocumentCounts documents_;
};

CaptionScorer::CaptionScorer(const CaptionScorerOptions& options,
                             std::span<const std::vector<std::string>> documents) try
    : impl_(std::make_unique<Impl>(options, documents)) {
} catch (...) {
  rethrow_as_error();
}
CaptionScorer::~CaptionScorer() = default;
CaptionScorer::CaptionScorer(CaptionScorer&&) noexcept = default;
CaptionScorer& CaptionScorer::operator=(CaptionScorer&&) noexcept = default;

double CaptionScorer::score(const std::string& caption, const std::vector<std::string>& references) try {
  return impl_->score(caption, references);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
