#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/eval/scorer.h>

#include "core/error_place.h"
#include "core/foreign_errors.h"

namespace ccexpert::eval {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kMean = "S*m";

/// Returns the value below which the given share of `sorted` lies.
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return kNan;
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

std::vector<double> sorted_finite(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  std::sort(values.begin(), values.end());
  return values;
}

Interval interval_of(const std::vector<double>& sorted, double confidence) {
  return {quantile(sorted, (1.0 - confidence) / 2.0), quantile(sorted, (1.0 + confidence) / 2.0)};
}

/// Returns twice the smaller share of resamples on one side of zero; those at zero count on both sides.
double two_sided_p(const std::vector<double>& differences) {
  if (differences.empty()) return kNan;
  const auto share = [&](auto&& holds) {
    const auto count = std::count_if(differences.begin(), differences.end(), holds);
    return static_cast<double>(count) / static_cast<double>(differences.size());
  };
  const double not_above = share([](double value) { return value <= 0.0; });
  const double not_below = share([](double value) { return value >= 0.0; });
  return std::min(1.0, 2.0 * std::min(not_above, not_below));
}

/// Maximum caption: time and memory of ROUGE-L and METEOR grow with the product of two lengths. A caption of
/// 4096 tokens has about 20 KB.
constexpr size_t kLongestCaption = size_t{1} << 16;

void expect_short(const std::string& uid, const std::string& caption) {
  if (caption.size() > kLongestCaption)
    fail_expected({"pair " + uid, fmt::format("captions of at most {} bytes", kLongestCaption),
                   fmt::format("one of {}", caption.size())});
}

void check(const BootstrapOptions& options) {
  if (options.resamples < 1)
    fail_expected({"bootstrap", "at least 1 resample", std::to_string(options.resamples)});
  if (!(options.confidence > 0.0 && options.confidence < 1.0))
    fail_expected({"confidence", "above 0 and below 1", std::to_string(options.confidence)});
}

}  // namespace

double ScoreTable::value(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? kNan : corpus[static_cast<size_t>(found - names.begin())];
}

class Scorer::Impl {
 public:
  explicit Impl(ScorerOptions options) : options_(std::move(options)) {
    metrics_.push_back(make_bleu());
    if (options_.meteor) metrics_.push_back(make_meteor(options_.meteor));
    metrics_.push_back(make_rouge_l());
    metrics_.push_back(make_cider_d());
    for (const auto& metric : metrics_) append(names_, metric->names());
    if (options_.meteor) names_.emplace_back(kMean);
    metrics_.push_back(make_cider());
    metrics_.push_back(make_change_accuracy(tokenized_sentences()));
    for (size_t i = metrics_.size() - 2; i < metrics_.size(); ++i) append(names_, metrics_[i]->names());
  }

  const std::vector<std::string>& names() const { return names_; }

  ScoreTable score(std::span<const CaptionedPair> samples) {
    for (const auto& metric : metrics_) metric->reset();
    for (const auto& sample : samples) add(sample);
    ScoreTable table{
        .names = names_, .corpus = {}, .pairs = {}, .statistics = joined_statistics(samples.size())};
    for (const auto& row : table.statistics) table.pairs.push_back(values(row));
    std::vector<size_t> all(samples.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    table.corpus = resampled(table, all);
    return table;
  }

  /// Returns the corpus values of chosen samples.
  std::vector<double> resampled(const ScoreTable& table, const std::vector<size_t>& chosen) const {
    if (chosen.empty()) return std::vector<double>(names_.size(), kNan);
    std::vector<double> sums(table.statistics.front().size(), 0.0);
    for (const size_t pair : chosen) {
      const auto& row = table.statistics[pair];
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i];
    }
    return values(sums);
  }

  /// Calls `visit` with the drawn indices of each resample.
  static void for_each_resample(size_t pairs, const BootstrapOptions& options,
                                const std::function<void(const std::vector<size_t>&)>& visit) {
    if (pairs == 0) return;
    std::mt19937_64 random(options.seed);
    std::vector<size_t> chosen(pairs);
    for (int64_t resample = 0; resample < options.resamples; ++resample) {
      // The modulo bias of 64 random bits is below 1e-12, and the result is the same on every platform.
      for (auto& pair : chosen) pair = random() % pairs;
      visit(chosen);
    }
  }

 private:
  static void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
  }

  std::vector<std::string> tokenized_sentences() const {
    std::vector<std::string> sentences;
    for (const auto& sentence : options_.unchanged_sentences)
      sentences.push_back(tokenize(sentence, options_.tokenizer));
    return sentences;
  }

  void add(const CaptionedPair& sample) {
    if (sample.references.empty()) fail_expected({"pair " + sample.uid, "at least one reference", "none"});
    expect_short(sample.uid, sample.prediction);
    for (const auto& reference : sample.references) expect_short(sample.uid, reference);
    const auto tokenized = tokenize(sample, options_.tokenizer);
    with_place("pair " + sample.uid, [&] {
      for (const auto& metric : metrics_) metric->add(tokenized);
    });
  }

  /// Returns the rows of all metrics side by side.
  std::vector<std::vector<double>> joined_statistics(size_t pairs) {
    std::vector<std::vector<double>> joined(pairs);
    widths_.clear();
    for (const auto& metric : metrics_) {
      const auto rows = metric->statistics();
      widths_.push_back(rows.empty() ? 0 : rows.front().size());
      for (size_t i = 0; i < pairs; ++i) joined[i].insert(joined[i].end(), rows[i].begin(), rows[i].end());
    }
    return joined;
  }

  /// Returns the columns for a sum of rows.
  std::vector<double> values(std::span<const double> sums) const {
    std::vector<double> columns;
    size_t start = 0;
    for (size_t i = 0; i < metrics_.size(); ++i) {
      if (i + 2 == metrics_.size() && options_.meteor) columns.push_back(mean_of_four(columns));
      const auto more = metrics_[i]->from_sums(sums.subspan(start, widths_[i]));
      columns.insert(columns.end(), more.begin(), more.end());
      start += widths_[i];
    }
    return columns;
  }

  /// Returns the mean of the last four columns so far: BLEU-4, METEOR, ROUGE-L and CIDEr-D.
  static double mean_of_four(const std::vector<double>& columns) {
    double sum = 0.0;
    for (size_t i = columns.size() - 4; i < columns.size(); ++i) sum += columns[i];
    return sum / 4.0;
  }

  ScorerOptions options_;
  std::vector<std::unique_ptr<Metric>> metrics_;
  std::vector<std::string> names_;
  std::vector<size_t> widths_;  ///< columns of each metric's statistics
};

Scorer::Scorer(ScorerOptions options) try : impl_(std::make_unique<Impl>(std::move(options))) {
} catch (...) {
  rethrow_as_error();
}
Scorer::~Scorer() = default;
Scorer::Scorer(Scorer&&) noexcept = default;
Scorer& Scorer::operator=(Scorer&&) noexcept = default;

const std::vector<std::string>& Scorer::names() const {
  return impl_->names();
}

ScoreTable Scorer::score(std::span<const CaptionedPair> samples) try {
  return impl_->score(samples);
} catch (...) {
  rethrow_as_error();
}

std::vector<Interval> Scorer::intervals(const ScoreTable& table, const BootstrapOptions& options) const try {
  check(options);
  std::vector<std::vector<double>> columns(table.names.size());
  Impl::for_each_resample(table.pairs.size(), options, [&](const std::vector<size_t>& chosen) {
    const auto values = impl_->resampled(table, chosen);
    for (size_t i = 0; i < values.size(); ++i) columns[i].push_back(values[i]);
  });
  std::vector<Interval> intervals;
  for (auto& column : columns)
    intervals.push_back(interval_of(sorted_finite(std::move(column)), options.confidence));
  return intervals;
} catch (...) {
  rethrow_as_error();
}

std::vector<Difference> Scorer::compare(const ScoreTable& one, const ScoreTable& other,
                                        const BootstrapOptions& options) const try {
  check(options);
  if (one.pairs.size() != other.pairs.size())
    fail_expected({"comparison", fmt::format("{} pairs in both", one.pairs.size()),
                   fmt::format("{}", other.pairs.size())});
  std::vector<std::vector<double>> columns(one.names.size());
  Impl::for_each_resample(one.pairs.size(), options, [&](const std::vector<size_t>& chosen) {
    const auto a = impl_->resampled(one, chosen), b = impl_->resampled(other, chosen);
    for (size_t i = 0; i < a.size(); ++i) columns[i].push_back(b[i] - a[i]);
  });
  std::vector<Difference> differences;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto sorted = sorted_finite(std::move(columns[i]));
    differences.push_back({.value = other.corpus[i] - one.corpus[i],
                           .interval = interval_of(sorted, options.confidence),
                           .p = two_sided_p(sorted)});
  }
  return differences;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
