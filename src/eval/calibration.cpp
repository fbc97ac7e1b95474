#include "eval/shared/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::eval {
namespace {

constexpr size_t kFolds = 5;

int64_t changed_of(std::span<const ScoredChange> scores) {
  return std::ranges::count_if(scores, [](const ScoredChange& each) { return each.changed; });
}

std::vector<ScoredChange> sorted(std::span<const ScoredChange> scores) {
  std::vector<ScoredChange> result(scores.begin(), scores.end());
  std::ranges::stable_sort(result, {}, &ScoredChange::score);
  return result;
}

double logistic(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// Sums of Newton's method for slope and offset.
struct Newton {
  double slope = 0.0, offset = 0.0;                 // gradient
  double slopes = 0.0, mixed = 0.0, offsets = 0.0;  // second derivatives
};

/// Platt's targets: the shares after one more pair of each kind, so that no probability is 0 or 1.
struct Targets {
  double changed, unchanged;
};

Targets targets_of(std::span<const ScoredChange> raw) {
  const auto changed = static_cast<double>(changed_of(raw)), all = static_cast<double>(raw.size());
  return {(changed + 1.0) / (changed + 2.0), 1.0 / (all - changed + 2.0)};
}

Newton sums_of(std::span<const ScoredChange> raw, const Targets& targets, const ChangeCalibration& at) {
  // The small term keeps the matrix regular where all scores are equal.
  Newton sums{.slopes = 1e-6, .offsets = 1e-6};
  for (const auto& each : raw) {
    const double p = logistic(at.slope * each.score + at.offset), weight = p * (1.0 - p);
    const double error = p - (each.changed ? targets.changed : targets.unchanged);
    sums.slope += error * each.score;
    sums.offset += error;
    sums.slopes += weight * each.score * each.score;
    sums.mixed += weight * each.score;
    sums.offsets += weight;
  }
  return sums;
}

double loss_of(std::span<const ScoredChange> raw, const Targets& targets, const ChangeCalibration& at) {
  double loss = 0.0;
  for (const auto& each : raw) {
    const double x = at.slope * each.score + at.offset,
                 target = each.changed ? targets.changed : targets.unchanged;
    loss += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - target * x;
  }
  return loss;
}

constexpr int kMostSteps = 100;
constexpr double kLeastSlope = 1e-3;

/// Returns the fit with the least slope whose mean probability is the share of changed pairs.
ChangeCalibration level_fit(std::span<const ScoredChange> raw) {
  const auto pairs = static_cast<double>(raw.size());
  // No finite offset gives 0 or 1.
  const double share =
      std::clamp(static_cast<double>(changed_of(raw)) / pairs, 0.5 / pairs, 1.0 - 0.5 / pairs);
  ChangeCalibration fit{.slope = kLeastSlope, .offset = std::log(share / (1.0 - share))};
  for (int step = 0; step < kMostSteps; ++step) {
    double error = 0.0, weight = 0.0;
    for (const auto& each : raw) {
      const double p = logistic(fit.slope * each.score + fit.offset);
      error += p - share;
      weight += p * (1.0 - p);
    }
    fit.offset -= error / weight;
    if (std::abs(error / weight) < 1e-12) break;
  }
  return fit;
}

ChangeCalibration platt(std::span<const ScoredChange> raw) {
  const auto targets = targets_of(raw);
  ChangeCalibration fit{.slope = 1.0};
  for (int step = 0; step < kMostSteps; ++step) {
    const auto sums = sums_of(raw, targets, fit);
    const double determinant = sums.slopes * sums.offsets - sums.mixed * sums.mixed;
    const double by_slope = (sums.offsets * sums.slope - sums.mixed * sums.offset) / determinant;
    const double by_offset = (sums.slopes * sums.offset - sums.mixed * sums.slope) / determinant;
    auto next = fit;
    double length = 1.0;
    do {
      next.slope = fit.slope - length * by_slope;
      next.offset = fit.offset - length * by_offset;
      length /= 2.0;
    } while (length > 1e-6 && loss_of(raw, targets, next) > loss_of(raw, targets, fit));
    const bool done = std::abs(next.slope - fit.slope) + std::abs(next.offset - fit.offset) < 1e-9;
    fit = next;
    if (done) break;
  }
  // A score that falls with the change says nothing.
  return fit.slope < kLeastSlope ? level_fit(raw) : fit;
}

/// Pairs whose probability is one.
struct Block {
  double least, most;  // raw scores
  double changed, pairs;
  double share() const { return changed / pairs; }
};

/// Joins neighbours until shares rise (pool adjacent violators).
std::vector<Block> rising_blocks(std::span<const ScoredChange> raw) {
  std::vector<Block> blocks;
  for (const auto& each : sorted(raw)) {
    Block block{each.score, each.score, each.changed ? 1.0 : 0.0, 1.0};
    const auto is_above = [&] {
      return !blocks.empty() && (blocks.back().share() >= block.share() || blocks.back().most == block.least);
    };
    while (is_above()) {
      block = {blocks.back().least, block.most, blocks.back().changed + block.changed,
               blocks.back().pairs + block.pairs};
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  return blocks;
}

ChangeCalibration isotonic(std::span<const ScoredChange> raw) {
  ChangeCalibration fit{.method = CalibrationMethod::kIsotonic};
  const double margin = 0.5 / static_cast<double>(raw.size());  // no finite sample proves 0 or 1
  for (const auto& block : rising_blocks(raw)) {
    const double share = std::clamp(block.share(), margin, 1.0 - margin);
    for (const double knot : {block.least, block.most}) {
      fit.raw.push_back(std::clamp(knot, 0.0, 1.0));
      fit.score.push_back(share);
    }
  }
  return fit;
}

/// Returns the probability that a changed pair has a larger score than an unchanged one; equal ones count
/// half.
double area_of(std::span<const ScoredChange> scores) {
  const auto ordered = sorted(scores);
  const double changed = static_cast<double>(changed_of(scores));
  const double unchanged = static_cast<double>(scores.size()) - changed;
  if (changed == 0.0 || unchanged == 0.0) return std::numeric_limits<double>::quiet_NaN();
  double wins = 0.0, below = 0.0;
  for (size_t first = 0, end = 0; first < ordered.size(); first = end) {
    double here = 0.0, all = 0.0;
    for (; end < ordered.size() && ordered[end].score == ordered[first].score; ++end) {
      here += ordered[end].changed ? 1.0 : 0.0;
      all += 1.0;
    }
    wins += here * (below + (all - here) / 2.0);
    below += all - here;
  }
  return wins / (changed * unchanged);
}

std::vector<ScoredChange> calibrated(std::span<const ScoredChange> raw, const ChangeCalibration& fit) {
  std::vector<ScoredChange> scores;
  for (const auto& each : raw) scores.push_back({fit.probability(each.score), each.changed});
  return scores;
}

/// Returns the scores of all pairs by fits without them. Neighbours of a sorted list are in different folds,
/// so that each has pairs of both kinds and of all scores.
std::vector<ScoredChange> held_out(std::span<const ScoredChange> raw, CalibrationMethod method) {
  auto ordered = sorted(raw);
  std::ranges::stable_sort(ordered, {}, &ScoredChange::changed);
  std::vector<ScoredChange> scores;
  for (size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<ScoredChange> rest, out;
    for (size_t i = 0; i < ordered.size(); ++i) (i % kFolds == fold ? out : rest).push_back(ordered[i]);
    const auto of_fold = calibrated(out, fitted(rest, method));
    scores.insert(scores.end(), of_fold.begin(), of_fold.end());
  }
  return scores;
}

void expect_pairs(std::span<const ScoredChange> raw) {
  const auto changed = changed_of(raw), all = static_cast<int64_t>(raw.size());
  if (all >= kFewestPairs && changed >= kFewestOfAKind && all - changed >= kFewestOfAKind) return;
  fail_expected({"calibration",
                 fmt::format("at least {} pairs, {} with and {} without a change", kFewestPairs,
                             kFewestOfAKind, kFewestOfAKind),
                 fmt::format("{} pairs, {} with a change", all, changed)});
}

}  // namespace

ChangeCalibration fitted(std::span<const ScoredChange> raw, CalibrationMethod method) {
  auto fit = method == CalibrationMethod::kPlatt ? platt(raw) : isotonic(raw);
  fit.pairs = static_cast<int64_t>(raw.size());
  return fit;
}

Reliability reliability(std::span<const ScoredChange> scores) {
  Reliability result{.pairs = static_cast<int64_t>(scores.size()), .area = area_of(scores)};
  auto& bins = result.bins;
  for (const auto& each : scores) {
    const auto place = static_cast<size_t>(each.score * static_cast<double>(bins.size()));
    auto& bin = bins.at(std::min(place, bins.size() - 1));
    const double truth = each.changed ? 1.0 : 0.0;
    ++bin.pairs;
    bin.score += each.score;
    bin.changed += truth;
    result.brier += (each.score - truth) * (each.score - truth) / static_cast<double>(scores.size());
  }
  for (auto& bin : bins) {
    if (bin.pairs == 0) continue;
    const auto pairs = static_cast<double>(bin.pairs);
    bin.score /= pairs;
    bin.changed /= pairs;
    result.error += std::abs(bin.score - bin.changed) * pairs / static_cast<double>(scores.size());
  }
  return result;
}

std::vector<RiskPoint> risk_by_coverage(std::span<const ScoredChange> scores) {
  const auto confidence = [](const ScoredChange& each) { return std::abs(each.score - 0.5); };
  std::vector<ScoredChange> ordered(scores.begin(), scores.end());
  std::ranges::stable_sort(ordered, std::ranges::greater(), confidence);
  std::vector<RiskPoint> points;
  double wrong = 0.0;
  for (size_t i = 0; i < ordered.size(); ++i) {
    if ((ordered[i].score >= 0.5) != ordered[i].changed) wrong += 1.0;
    const bool ends = i + 1 == ordered.size() || confidence(ordered[i + 1]) != confidence(ordered[i]);
    const auto decided = static_cast<double>(i + 1);
    if (ends) points.push_back({decided / static_cast<double>(ordered.size()), wrong / decided});
  }
  return points;
}

double mean_risk(std::span<const RiskPoint> points) {
  double sum = 0.0, before = 0.0;
  for (const auto& point : points) {
    sum += point.risk * (point.coverage - before);
    before = point.coverage;
  }
  return sum;
}

ChosenCalibration chosen_calibration(std::span<const ScoredChange> raw) {
  expect_pairs(raw);
  ChosenCalibration chosen{.calibration = {},
                           .uncalibrated = reliability(raw),
                           .platt = reliability(held_out(raw, CalibrationMethod::kPlatt)),
                           .isotonic = reliability(held_out(raw, CalibrationMethod::kIsotonic))};
  const bool steps = chosen.isotonic.brier < chosen.platt.brier;
  chosen.calibration = fitted(raw, steps ? CalibrationMethod::kIsotonic : CalibrationMethod::kPlatt);
  return chosen;
}

}  // namespace ccexpert::eval
