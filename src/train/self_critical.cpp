#include "train/self_critical.h"

#include <numeric>

#include <ATen/ATen.h>

#include <ccexpert/text/prompt.h>

#include "core/counter_random.h"
#include "train/caption_scores.h"

namespace ccexpert::train {
namespace {

generate::SearchRequest request_of(const RunModel& run, const SelfCriticalSection& section) {
  // No penalty and no cut of the distribution: the captions are drawn from the model that learns.
  return {.decoding = {.max_new_tokens = section.max_new_tokens,
                       .temperature = section.temperature,
                       .stop_ids = run.decoding({}).stop_ids},
          .on_token = {},
          .stop = {}};
}

eval::CaptionScorer scorer_of(const SelfCriticalSection& section,
                              const std::vector<data::ChangeExample>& pairs) {
  std::vector<std::vector<std::string>> documents;
  for (const auto& pair : pairs) documents.push_back(pair.captions);
  return eval::CaptionScorer({.metric = section.metric, .meteor_data = {}}, documents);
}

std::vector<generate::SampleSeed> seeds_of_captions(uint64_t seed, size_t samples) {
  const CounterRandom random(RandomUse::kPolicy, seed, 0);
  std::vector<generate::SampleSeed> seeds;
  for (size_t sample = 0; sample < samples; ++sample) seeds.emplace_back(random.at(sample));
  return seeds;
}

/// Adds the prompt with a caption; only the caption's tokens are learnt.
void add_row(CaptionRows& rows, const std::vector<int64_t>& prompt, const std::vector<int64_t>& caption) {
  auto& ids = rows.ids.emplace_back(prompt);
  ids.insert(ids.end(), caption.begin(), caption.end());
  auto& labels = rows.labels.emplace_back(prompt.size(), text::kIgnoredLabel);
  labels.insert(labels.end(), caption.begin(), caption.end());
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> advantages(const std::vector<double>& rewards) {
  const double mean = mean_of(rewards);
  std::vector<double> differences;
  for (const double reward : rewards) differences.push_back(reward - mean);
  return differences;
}

uint64_t draw_seed(int64_t seed, int64_t epoch, int64_t place) {
  return CounterRandom(RandomUse::kPolicy, static_cast<uint64_t>(seed), static_cast<uint64_t>(epoch))
      .at(static_cast<uint64_t>(place));
}

SelfCritical::SelfCritical(const RunModel& run, const TrainConfig& config,
                           const std::vector<data::ChangeExample>& pairs)
    : run_(run),
      pairs_(pairs),
      prompt_(text::encode_prompt(*run.tokenizer, run.question, run.prompt)),
      samples_(static_cast<size_t>(config.self_critical.samples)),
      request_(request_of(run, config.self_critical)),
      scorer_(scorer_of(config.self_critical, pairs)) {}

SelfCritical::Drawn SelfCritical::drawn_captions(const TensorBatch& batch,
                                                 const at::Tensor& image_tokens) const {
  const at::NoGradGuard no_grad;
  const std::vector<std::vector<int64_t>> prompts(batch.seeds.size(), prompt_);
  std::vector<std::vector<generate::SampleSeed>> seeds;
  for (const uint64_t seed : batch.seeds) seeds.push_back(seeds_of_captions(seed, samples_));
  return generate::decode_samples(run_.model->decoder(), run_.model->splice(prompts, image_tokens.detach()),
                                  request_, seeds);
}

std::vector<double> SelfCritical::rewards(const std::vector<generate::GeneratedSequence>& captions,
                                          const std::vector<std::string>& references) {
  std::vector<double> values;
  for (const auto& caption : captions) {
    const auto text = run_.tokenizer->decode(generate::text_ids(caption, request_.decoding));
    values.push_back(scorer_.score(one_line(text), references));
  }
  return values;
}

CaptionRows SelfCritical::draw(const TensorBatch& batch, const at::Tensor& image_tokens) {
  const auto drawn = drawn_captions(batch, image_tokens);
  CaptionRows rows{.ids = {}, .labels = {}, .each = static_cast<int64_t>(samples_)};
  std::vector<double> weights, all;
  for (size_t i = 0; i < drawn.size(); ++i) {
    for (const auto& caption : drawn[i]) add_row(rows, prompt_, caption.ids);
    const auto earned = rewards(drawn[i], pairs_.at(static_cast<size_t>(batch.samples[i].pair)).captions);
    const auto gains = advantages(earned);
    all.insert(all.end(), earned.begin(), earned.end());
    weights.insert(weights.end(), gains.begin(), gains.end());
  }
  rows.weights = at::tensor(weights, at::kFloat);
  rows.reward = at::scalar_tensor(mean_of(all), at::kDouble);
  return rows;
}

}  // namespace ccexpert::train
