// CIDEr-D and CIDEr as the COCO evaluation computes them.
#include <ccexpert/eval/metrics.h>

#include "eval/cider_score.h"
#include "eval/row_metric.h"

namespace ccexpert::eval {
namespace {

class Cider : public Metric {
 public:
  explicit Cider(CiderKind kind) : kind_(kind) {}

  std::vector<std::string> names() const override { return {kind_ == CiderKind::kD ? "CIDEr-D" : "CIDEr"}; }

  void add(const CaptionedPair& pair) override {
    Texts texts{ids_.count(pair.prediction), {}};
    for (const auto& text : pair.references) texts.references.push_back(ids_.count(text));
    documents_.add(texts.references, ids_.size());
    samples_.push_back(std::move(texts));
  }

  void reset() override {
    samples_.clear();
    documents_.clear();
  }

  std::vector<std::vector<double>> statistics() const override {
    std::vector<std::vector<double>> rows;
    rows.reserve(samples_.size());
    for (const auto& texts : samples_)
      rows.push_back({cider_score(kind_, documents_, texts.prediction, texts.references), 1.0});
    return rows;
  }

  std::vector<double> from_sums(std::span<const double> sums) const override { return {mean_of(sums)}; }

 private:
  struct Texts {
    NgramCounts prediction;
    std::vector<NgramCounts> references;
  };

  CiderKind kind_;
  NgramIds ids_;
  std::vector<Texts> samples_;
  DocumentCounts documents_;
};

}  // namespace

std::unique_ptr<Metric> make_cider_d() {
  return std::make_unique<Cider>(CiderKind::kD);
}

std::unique_ptr<Metric> make_cider() {
  return std::make_unique<Cider>(CiderKind::kPlain);
}

}  // namespace ccexpert::eval
