// Requests of a service before they are rows of its batch.
#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "generate/service_batch.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

/// Returns pair `index` of several with memory of its own.
EncodedPairs taken(const EncodedPairs& all, int64_t index) {
  const auto rows = [&](const at::Tensor& x, int64_t dimension, int64_t count) {
    return x.defined() ? x.narrow(dimension, count * index, count).clone() : x;
  };
  return {.images = {.tokens = rows(all.images.tokens, 0, 2),
                     .change = rows(all.images.change, 0, 1),
                     .scale_weights = rows(all.images.scale_weights, 1, 1)},
          .features = rows(all.features, 0, 2),
          .outside = all.outside};
}

SeenTokens joined(const std::vector<SeenTokens>& pairs) {
  if (pairs.size() == 1) return pairs.front();
  std::vector<at::Tensor> tokens, patches;
  for (const auto& pair : pairs) {
    tokens.push_back(pair.tokens);
    patches.push_back(pair.patches);
  }
  return {at::cat(tokens), patches.front().defined() ? at::cat(patches) : at::Tensor()};
}

}  // namespace

void CaptionService::Batch::join(const Jobs& jobs) {
  // Together: those whose prompts have the same image tokens, and start without known keys and values.
  std::vector<Jobs> groups;
  for (const auto& job : jobs) {
    const auto fits = [&](const Jobs& group) {
      const auto& first = *group.front();
      return !first.pair->kept.cache && first.options.keep_tokens == job->options.keep_tokens;
    };
    const auto group = job->pair->kept.cache ? groups.end() : std::ranges::find_if(groups, fits);
    if (group == groups.end()) {
      groups.push_back({job});
    } else {
      group->push_back(job);
    }
  }
  for (const auto& group : groups) join_group(group);
}

void CaptionService::Batch::join_group(const Jobs& jobs) {
  auto wanted = still_wanted(jobs);
  Jobs places;
  // After the group: others of it may need the results of a pair that the memory then forgets.
  const auto remember = [this](const Jobs& answered) {
    for (const auto& job : answered) memory_.used(job->pair);
  };
  std::optional<DecoderSequences> sequences;
  try {
    runtime::with_one_error_type(kMemoryHint, [&] {
      encode(wanted);
      wanted = still_wanted(wanted);
      places = removed_places(wanted);
      for (const auto& job : places) answer_place(*job);
      if (wanted.empty()) return;
      sequences.emplace(prefilled(wanted));
    });
  } catch (const Error& error) {
    remember(places);
    if (wanted.size() == 1) return inbox_.fail(*wanted.front(), service_error(error));
    // The others of a group are not to blame.
    for (const auto& job : wanted) join_group({job});
    return;
  }
  if (sequences) {
    for (size_t i = 0; i < wanted.size(); ++i) add_row(wanted[i], *sequences, static_cast<int64_t>(i));
  }
  remember(places);
  remember(wanted);
}

CaptionService::Batch::Jobs CaptionService::Batch::still_wanted(const Jobs& jobs) {
  Jobs wanted;
  const bool stops = inbox_.stops();
  for (const auto& job : jobs) {
    if (job->is_cancelled()) {
      inbox_.finish_cancelled(*job);
    } else if (job->is_late(Clock::now())) {
      inbox_.fail(*job, deadline_error());
    } else if (stops) {
      inbox_.fail(*job, stopping_error());
    } else {
      wanted.push_back(job);
    }
  }
  return wanted;
}

void CaptionService::Batch::encode(const Jobs& jobs) {
  std::vector<PairHandle> pairs;
  std::vector<at::Tensor> pixels;
  for (const auto& job : jobs) {
    if (job->pair->images || std::ranges::find(pairs, job->pair) != pairs.end()) continue;
    pairs.push_back(job->pair);
    pixels.push_back(job->pair->pixels);
  }
  if (pairs.empty()) return;
  const auto encoded = model_.encode(at::cat(pixels), {}).value();
  for (size_t i = 0; i < pairs.size(); ++i)
    pairs[i]->images = pairs.size() == 1 ? encoded : taken(encoded, static_cast<int64_t>(i));
}

CaptionService::Batch::Jobs CaptionService::Batch::removed_places(Jobs& jobs) {
  const auto found = std::ranges::stable_partition(jobs, [](const auto& job) { return !job->place_only; });
  Jobs places(found.begin(), found.end());
  jobs.erase(found.begin(), found.end());
  return places;
}

void CaptionService::Batch::answer_place(Job& job) {
  Caption place;
  place.finish = FinishReason::kEndToken;
  try {
    place.change = runtime::with_one_error_type(
        kMemoryHint, [&] { return model_.locate(job.pair->images.value()).front(); });
  } catch (const Error& error) {
    return inbox_.fail(job, service_error(error));
  }
  inbox_.finish(job, std::move(place));
}

KeptPrompts* CaptionService::Batch::kept_of(const Job& job) const {
  return memory_.keeps() ? &job.pair->kept : nullptr;
}

DecoderSequences CaptionService::Batch::prefilled(const Jobs& jobs) {
  const auto& first = *jobs.front();
  const double keep_tokens = first.options.keep_tokens;
  std::vector<SeenTokens> seen;
  Question prompts{.decoding = first.decoding(), .prompts = {}, .options = first.options};
  prompts.decoding.max_new_tokens = 0;  // a row has its further tokens in the batch
  for (const auto& job : jobs) {
    seen.push_back(model_.tokens_of(job->pair->images.value().images, keep_tokens, kept_of(*job)));
    prompts.prompts.push_back(job->question.prompts.front());
  }
  const bool alone = jobs.size() == 1;
  auto sequences = model_.stopwatch().time(&CaptionerTimings::prefill, [&] {
    return model_.prefill(joined(seen), prompts, alone ? kept_of(first) : nullptr);
  });
  if (!alone && memory_.keeps()) keep_prompts(jobs, sequences);
  return sequences;
}

void CaptionService::Batch::keep_prompts(const Jobs& jobs, const DecoderSequences& sequences) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto cache = sequences.cache();
    cache.select_rows({static_cast<int64_t>(i)});
    jobs[i]->pair->kept.ids = jobs[i]->question.prompts;
    jobs[i]->pair->kept.cache = std::move(cache);
  }
}

void CaptionService::Batch::add_row(const std::shared_ptr<Job>& job, const DecoderSequences& sequences,
                                    int64_t index) {
  try {
    runtime::with_one_error_type(kMemoryHint, [&] {
      auto row = std::make_unique<Row>(job, *model_.loaded().tokenizer);
      const auto& options = job->options;
      if (options.locate || options.change_feature || options.words) row->images = job->pair->images;
      row->prompt = sequences.cache().lengths().at(static_cast<size_t>(index));
      rows_.reserve(rows_.size() + 1);
      decoder_rows_.join(sequences, index, job->decoding().max_new_tokens);
      rows_.push_back(std::move(row));
    });
  } catch (const Error& error) {
    inbox_.fail(*job, service_error(error));
  }
}

}  // namespace ccexpert::generate
