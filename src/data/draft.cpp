#include "data/draft.h"

#include <algorithm>
#include <span>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::data {
namespace {

std::span<float> part(std::vector<float>& values, size_t index, size_t length) {
  return std::span(values).subspan(index * length, length);
}

/// Keeps group i of `items` (groups of equal length) if keep[i] is true.
template <class Item>
void keep_groups(std::vector<Item>& items, const std::vector<bool>& keep) {
  const size_t length = items.size() / keep.size();
  size_t kept = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    if (kept != i) {
      const auto from = items.begin() + static_cast<std::ptrdiff_t>(i * length);
      std::move(from, from + static_cast<std::ptrdiff_t>(length),
                items.begin() + static_cast<std::ptrdiff_t>(kept * length));
    }
    ++kept;
  }
  items.resize(kept * length);
}

}  // namespace

void DraftSequence::seek(const Position& position) {
  plan_.check(position);
  position_ = position;
  index_ = 0;
}

std::shared_ptr<Draft> DraftSequence::make() {
  auto own = plan_.own(position_.batch);
  while (index_ >= own.size()) {
    position_ = plan_.after(position_);
    index_ = 0;
    own = plan_.own(position_.batch);
  }
  if (order_.empty() || order_epoch_ != position_.epoch) order_ = plan_.sampler().order(position_.epoch);
  order_epoch_ = position_.epoch;
  auto draft = std::make_shared<Draft>();
  const auto [first, last] = own[index_];
  draft->samples.assign(order_.begin() + first, order_.begin() + last);
  draft->left = draft->samples.size();
  draft->batch.samples = draft->samples;
  for (int64_t place = first; place < last; ++place) draft->batch.places.push_back(place);
  draft->batch.position = position_;
  draft->batch.index = static_cast<int64_t>(index_);
  return draft;
}

void DraftEncoder::allocate(Draft& draft) const {
  const size_t count = draft.samples.size();
  for (const auto& sample : draft.samples) {
    draft.batch.uids.push_back(pairs_[static_cast<size_t>(sample.pair)].uid);
  }
  draft.problems.resize(count);
  draft.batch.ids.resize(count);
  draft.batch.labels.resize(count);
  draft.batch.pixels.resize(count * encoder_.pixel_values());
  draft.batch.change_mask.resize(count * encoder_.mask_values());
  draft.batch.classes.resize(count * encoder_.class_values());
}

void DraftEncoder::prepare(Draft& draft, size_t i) {
  std::call_once(draft.allocated, [&] { allocate(draft); });
  const auto& sample = draft.samples[i];
  try {
    encoder_.encode(pairs_[static_cast<size_t>(sample.pair)], static_cast<size_t>(sample.caption),
                    {.pixels = part(draft.batch.pixels, i, encoder_.pixel_values()),
                     .ids = draft.batch.ids[i],
                     .labels = draft.batch.labels[i],
                     .change_mask = part(draft.batch.change_mask, i, encoder_.mask_values()),
                     .classes = part(draft.batch.classes, i, encoder_.class_values())});
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    draft.problems[i] = error.what();
  }
}

int64_t DraftEncoder::contradictions(const Draft& draft) const {
  const size_t values = encoder_.mask_values();
  int64_t count = 0;
  for (size_t i = 0; values > 0 && i < draft.samples.size(); ++i) {
    const auto& pair = pairs_[static_cast<size_t>(draft.samples[i].pair)];
    if (!pair.changed || pair.mask.empty() || !draft.problems[i].empty()) continue;
    const auto shares = std::span(draft.batch.change_mask).subspan(i * values, values);
    const bool shown = std::any_of(shares.begin(), shares.end(), [](float share) { return share > 0.0F; });
    if (shown != *pair.changed) ++count;
  }
  return count;
}

void keep_samples(MicroBatch& batch, const std::vector<bool>& keep) {
  keep_groups(batch.uids, keep);
  keep_groups(batch.samples, keep);
  keep_groups(batch.places, keep);
  keep_groups(batch.ids, keep);
  keep_groups(batch.labels, keep);
  keep_groups(batch.pixels, keep);
  keep_groups(batch.change_mask, keep);
  keep_groups(batch.classes, keep);
}

}  // namespace ccexpert::data
