#include "generate/fixed_steps.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "runtime/staging.h"

namespace ccexpert::generate {
namespace {

/// Fewer further tokens than a recording costs steps.
constexpr int64_t kFewTokens = 8;
/// Capacities are multiples of this: prompts of nearly equal lengths share a step.
constexpr int64_t kCapacityStep = 64;
/// Larger batches need no graph: their steps take the GPU longer than their launches take the host.
constexpr int64_t kBudget = int64_t{2} << 30;
constexpr const char* kVariable = "CCEXPERT_GPU_GRAPHS";

int64_t rounded_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

at::Tensor numbers(const std::vector<int64_t>& values) {
  return at::tensor(values, at::kLong);
}

bool is_identity(const std::vector<int64_t>& places, int64_t rows) {
  for (int64_t i = 0; i < std::ssize(places); ++i) {
    if (places[static_cast<size_t>(i)] != i) return false;
  }
  return std::ssize(places) == rows;
}

bool graphs_are_on(const char* wanted) {
  const std::string_view value = wanted != nullptr ? wanted : "";
  if (value == "off") return false;
  if (!value.empty() && value != "auto") fail_expected({kVariable, "auto or off", value});
  return true;
}

}  // namespace

FixedStep::FixedStep(const model::Decoder& decoder, const model::KvCache& like, FixedShape shape,
                     const Recorder& recorder)
    : bytes_(model::FixedCache::bytes(like, shape.rows, shape.capacity)),
      cache_(like, shape.rows, shape.capacity) {
  ids_ = at::zeros_like(cache_.positions());
  const auto work = [this, &decoder] {
    const auto logits = decoder.step(ids_, cache_);
    // Before the recording, so that the result has memory of its own.
    if (!logits_.defined()) logits_ = at::empty_like(logits);
    logits_.copy_(logits);
  };
  work();
  work_ = recorder(work);
}

const at::Tensor& FixedStep::run(const std::vector<int64_t>& ids, const std::vector<int64_t>& positions) {
  for (const int64_t position : positions) {
    if (position < cache_.capacity()) continue;
    // On a GPU such a place would end the process.
    fail_expected({"fixed KV cache", "at most " + std::to_string(cache_.capacity()) + " tokens", "more"});
  }
  runtime::stage_into(ids_, numbers(ids));
  runtime::stage_into(cache_.positions(), numbers(positions));
  work_->repeat();
  return logits_;
}

FixedSequences::FixedSequences(const DecoderSequences& prompts, std::shared_ptr<FixedStep> step,
                               std::unique_lock<std::mutex> lock)
    : step_(std::move(step)),
      lock_(std::move(lock)),
      lengths_(prompts.cache().lengths()),
      logits_(prompts.logits()) {
  step_->cache().load(prompts.cache());
  places_.resize(lengths_.size());
  std::iota(places_.begin(), places_.end(), int64_t{0});
  lengths_.resize(static_cast<size_t>(step_->shape().rows));
}

void FixedSequences::place(const std::vector<int64_t>& rows) {
  std::vector<bool> taken(lengths_.size());
  for (const int64_t row : rows) taken.at(static_cast<size_t>(places_.at(static_cast<size_t>(row)))) = true;
  std::vector<bool> continued(lengths_.size());
  std::vector<int64_t> places, from, to;
  size_t free = 0;
  for (const int64_t row : rows) {
    const int64_t place = places_[static_cast<size_t>(row)];
    if (!continued[static_cast<size_t>(place)]) {
      continued[static_cast<size_t>(place)] = true;
      places.push_back(place);
      continue;
    }
    while (taken.at(free)) ++free;
    taken[free] = true;
    lengths_[free] = lengths_[static_cast<size_t>(place)];
    from.push_back(place);
    to.push_back(static_cast<int64_t>(free));
    places.push_back(to.back());
  }
  step_->cache().copy_rows(from, to);
  places_ = std::move(places);
}

void FixedSequences::grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) {
  place(rows);
  // Rows without a sequence compute something at their first place.
  std::vector<int64_t> all_ids(lengths_.size()), positions(lengths_.size());
  for (size_t i = 0; i < places_.size(); ++i) {
    const auto place = static_cast<size_t>(places_[i]);
    all_ids[place] = ids.at(i);
    positions[place] = lengths_[place]++;
  }
  const auto& logits = step_->run(all_ids, positions);
  logits_ = is_identity(places_, logits.size(0))
                ? logits
                : logits.index_select(0, runtime::staged(numbers(places_), logits.device()));
}

FixedSteps::FixedSteps(const model::Decoder& decoder, Recorder recorder, int64_t budget)
    : decoder_(decoder), recorder_(std::move(recorder)), budget_(budget) {}

std::unique_ptr<SequenceModel> FixedSteps::sequences(const DecoderSequences& prompts,
                                                     const DecodingConfig& decoding) {
  if (decoding.max_new_tokens < kFewTokens || decoding.mbr > 0) return nullptr;
  // A step takes the positions of tokens from their numbers.
  if (!prompts.cache().skipped().empty()) return nullptr;
  const auto& lengths = prompts.cache().lengths();
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const FixedShape shape{.rows = std::ssize(lengths) * decoding.beams,
                         .capacity = rounded_up(longest + decoding.max_new_tokens, kCapacityStep)};
  const std::lock_guard guard(mutex_);
  const auto step = step_for(prompts.cache(), shape);
  if (!step) return nullptr;
  std::unique_lock use(step->use(), std::try_to_lock);
  if (!use.owns_lock()) return nullptr;
  return std::make_unique<FixedSequences>(prompts, step, std::move(use));
}

std::shared_ptr<FixedStep> FixedSteps::step_for(const model::KvCache& prompts, FixedShape shape) {
  const auto found =
      std::find_if(steps_.begin(), steps_.end(), [&](const auto& step) { return step->shape() == shape; });
  if (found != steps_.end()) {
    steps_.splice(steps_.begin(), steps_, found);
    return steps_.front();
  }
  const int64_t bytes = model::FixedCache::bytes(prompts, shape.rows, shape.capacity);
  if (!usable_ || bytes > budget_) return nullptr;
  make_room(bytes);
  try {
    steps_.push_front(std::make_shared<FixedStep>(decoder_, prompts, shape, recorder_));
    return steps_.front();
  } catch (const c10::OutOfMemoryError&) {
    return nullptr;  // a smaller shape may fit
  } catch (const std::exception& error) {
    usable_ = false;
    const std::string text = error.what();
    log::warning("decoding without CUDA graphs from now on: " + text.substr(0, text.find('\n')));
    return nullptr;
  }
}

/// Forgets the steps that were not used for the longest time. One in use keeps its memory until its end.
void FixedSteps::make_room(int64_t bytes) {
  int64_t held = bytes;
  for (const auto& step : steps_) held += step->bytes();
  while (held > budget_) {
    held -= steps_.back()->bytes();
    steps_.pop_back();
  }
}

std::unique_ptr<FixedSteps> fixed_steps_of(const model::Decoder& decoder, at::Device device) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  const bool on = graphs_are_on(std::getenv(kVariable));
  if (!on || !runtime::can_record(device)) return nullptr;
  const auto record = [device](const std::function<void()>& work) { return runtime::record(device, work); };
  return std::make_unique<FixedSteps>(decoder, record, kBudget);
}

}  // namespace ccexpert::generate
