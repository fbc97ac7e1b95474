#include "data/shared/sampler.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/counter_random.h"

namespace ccexpert::data {
namespace {

int64_t divided_up(int64_t count, int64_t by) {
  return (count + by - 1) / by;
}

void expect_at_least(int64_t least, int64_t value, const char* what) {
  if (value < least) {
    fail_expected(
        {fmt::format("batch layout: {}", what), fmt::format("{} or more", least), std::to_string(value)});
  }
}

/// Returns micro-batches [first, last) of one rank.
SampleRange run_of(int64_t rank, int64_t ranks, int64_t total) {
  const int64_t each = total / ranks, rest = total % ranks;
  const int64_t first = rank * each + std::min(rank, rest);
  return {first, first + each + (rank < rest ? 1 : 0)};
}

}  // namespace

std::vector<PairVisits> visits_of(std::span<const ChangeExample> pairs) {
  std::vector<PairVisits> visits;
  visits.reserve(pairs.size());
  for (const auto& pair : pairs) {
    visits.push_back({static_cast<int64_t>(pair.captions.size()), pair.repeat});
  }
  return visits;
}

EpochSampler::EpochSampler(std::vector<PairVisits> pairs, CaptionMode mode, uint64_t seed)
    : pairs_(std::move(pairs)), mode_(mode), seed_(seed) {
  if (pairs_.empty()) fail_expected({"sampler", "at least one pair", "none"});
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const auto [captions, repeat] = pairs_[i];
    if (captions < 1 || repeat < 1) {
      fail_expected({fmt::format("sampler: pair {}", i), "at least one caption and one visit",
                     fmt::format("{} and {}", captions, repeat)});
    }
    size_ += mode_ == CaptionMode::kFlatten ? captions * repeat : repeat;
  }
}

std::vector<SampleIndex> EpochSampler::order(int64_t epoch) const {
  const auto key = static_cast<uint64_t>(epoch);
  const CounterRandom drawn(RandomUse::kCaption, seed_, key);
  std::vector<SampleIndex> samples;
  samples.reserve(static_cast<size_t>(size_));
  for (int64_t pair = 0; pair < static_cast<int64_t>(pairs_.size()); ++pair) {
    const auto [captions, repeat] = pairs_[static_cast<size_t>(pair)];
    const bool flatten = mode_ == CaptionMode::kFlatten;
    const int64_t first = flatten ? 0 : drawn.below(captions, static_cast<uint64_t>(pair));
    const int64_t visits = flatten ? captions * repeat : repeat;
    for (int64_t visit = 0; visit < visits; ++visit) samples.push_back({pair, (first + visit) % captions});
  }
  shuffle(samples, CounterRandom(RandomUse::kOrder, seed_, key));
  return samples;
}

BatchPlan::BatchPlan(EpochSampler sampler, const BatchLayout& layout)
    : sampler_(std::move(sampler)), layout_(layout) {
  expect_at_least(1, layout_.global, "global batch");
  expect_at_least(1, layout_.micro, "micro-batch");
  expect_at_least(1, layout_.ranks, "ranks");
  if (layout_.rank < 0 || layout_.rank >= layout_.ranks) {
    fail_expected(
        {"batch layout: rank", fmt::format("0 to {}", layout_.ranks - 1), std::to_string(layout_.rank)});
  }
  const bool keep = layout_.last == LastBatch::kKeep;
  batches_ = keep ? divided_up(sampler_.size(), layout_.global) : sampler_.size() / layout_.global;
  if (batches_ == 0) {
    fail_expected(
        {"batch layout", fmt::format("an epoch of at least one global batch ({} samples)", layout_.global),
         fmt::format("{} samples", sampler_.size()), "keep the incomplete last batch, or make it smaller"});
  }
}

SampleRange BatchPlan::global(int64_t batch) const {
  const int64_t first = batch * layout_.global;
  return {first, std::min(first + layout_.global, sampler_.size())};
}

BatchShare BatchPlan::share(int64_t batch) const {
  const auto [first, last] = global(batch);
  const int64_t total = divided_up(last - first, layout_.micro);
  const auto run = run_of(layout_.rank, layout_.ranks, total);
  return {.own = run.last - run.first, .most = divided_up(total, layout_.ranks), .total = total};
}

std::vector<SampleRange> BatchPlan::own(int64_t batch) const {
  const auto [first, last] = global(batch);
  const auto run = run_of(layout_.rank, layout_.ranks, share(batch).total);
  std::vector<SampleRange> ranges;
  for (int64_t micro = run.first; micro < run.last; ++micro) {
    const int64_t start = first + micro * layout_.micro;
    ranges.push_back({start, std::min(start + layout_.micro, last)});
  }
  return ranges;
}

Position BatchPlan::after(const Position& position) const {
  check(position);
  if (position.batch + 1 < batches_) return {position.epoch, position.batch + 1};
  return {position.epoch + 1, 0};
}

void BatchPlan::check(const Position& position) const {
  if (position.epoch >= 0 && position.batch >= 0 && position.batch < batches_) return;
  fail_expected({"position", fmt::format("an epoch of at least 0 and a batch from 0 to {}", batches_ - 1),
                 fmt::format("epoch {}, batch {}", position.epoch, position.batch),
                 "was it saved with another list or batch size?"});
}

}  // namespace ccexpert::data
