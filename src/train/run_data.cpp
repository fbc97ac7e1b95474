#include "train/run_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "runtime/staging.h"
#include "train/content_hash.h"

namespace ccexpert::train {
namespace {

constexpr double kBytesPerGigabyte = 1e9;

/// Keeps the first of equal captions.
void keep_unique(std::vector<std::string>& captions) {
  std::vector<std::string> unique;
  for (auto& caption : captions) {
    if (std::find(unique.begin(), unique.end(), caption) == unique.end())
      unique.push_back(std::move(caption));
  }
  captions = std::move(unique);
}

}  // namespace

std::vector<data::ChangeExample> read_examples(const std::string& file, const TrainConfig& config) {
  const std::filesystem::path path(file);
  const auto extension = path.extension();
  if (extension != ".yaml" && extension != ".yml")
    return data::read_change_dataset(path, config.data.image_root);
  return data::read_data_list(path, config.data.image_root, static_cast<uint64_t>(config.seed));
}

std::vector<data::ChangeExample> training_pairs(const TrainConfig& config) {
  auto pairs = read_examples(config.data.train, config);
  const auto some = [&](auto&& has) { return std::any_of(pairs.begin(), pairs.end(), has); };
  const bool masks = some([](const auto& pair) { return !pair.mask.empty(); });
  const bool classes =
      some([](const auto& pair) { return !pair.classes_before.empty() || !pair.classes_after.empty(); });
  const auto need = [&](double weight, bool there, const char* key, const char* what) {
    if (weight == 0.0 || there) return;
    fail_expected({key, fmt::format("0, or training pairs with {}", what),
                   fmt::format("{} with {}, where no pair has any", weight, config.data.train)});
  };
  need(config.loss.mask, masks, "loss.mask", "mask_path");
  need(config.loss.classes, classes, "loss.classes", "classes1_path or classes2_path");
  need(config.loss.tokens, masks || classes, "loss.tokens", "masks or class maps");
  if (config.data.captions == CaptionChoice::kFlattenUnique) {
    for (auto& pair : pairs) keep_unique(pair.captions);
  }
  return pairs;
}

std::string sum_of_pairs(const std::vector<data::ChangeExample>& pairs) {
  ContentHash hash;
  for (const auto& pair : pairs) {
    hash.add_text(pair.uid);
    for (const auto& caption : pair.captions) hash.add_text(caption);
    hash.add_text(fmt::format("{} {}", pair.captions.size(), pair.repeat));
  }
  return hash.hex();
}

std::string check_ranks(const BatchSection& batch, int ranks) {
  const int64_t micro_batches = batch.global / batch.micro;
  if (micro_batches < ranks) {
    fail_expected(
        {"batch.global",
         fmt::format("a micro-batch for each of {} ranks, {} samples or more", ranks, ranks * batch.micro),
         std::to_string(batch.global)});
  }
  const int64_t idle = (ranks - micro_batches % ranks) % ranks;
  if (idle == 0) return {};
  return fmt::format(
      "{} of {} ranks idle at the end of each step: batch.global is not a multiple of batch.micro x "
      "ranks ({})",
      idle, ranks, ranks * batch.micro);
}

data::BatchPlan batch_plan(const std::vector<data::ChangeExample>& pairs, const TrainConfig& config, int rank,
                           int ranks) {
  const auto mode = config.data.captions == CaptionChoice::kRandomChoice ? data::CaptionMode::kRandomChoice
                                                                         : data::CaptionMode::kFlatten;
  return {data::EpochSampler(data::visits_of(pairs), mode, static_cast<uint64_t>(config.seed)),
          {.global = config.batch.global,
           .micro = config.batch.micro,
           .ranks = ranks,
           .rank = rank,
           .last = data::LastBatch::kKeep}};
}

data::LoaderOptions loader_options(const RunModel& run, const TrainConfig& config) {
  data::LoaderOptions options;
  options.preprocess = run.preprocess;
  options.question = run.question;
  options.prompt = run.prompt;
  options.labels = config.data.labels;
  options.image_tokens = run.model->config().image_tokens();
  options.max_tokens = config.data.max_tokens;
  if (config.loss.auxiliary()) options.mask_patch = run.model->config().vision.patch_size;
  if (config.loss.needs_classes()) options.classes = config.loss.class_count;
  options.workers = config.data.workers;
  options.prefetch = config.data.prefetch;
  options.cache_bytes = static_cast<int64_t>(config.data.cache_gb * kBytesPerGigabyte);
  options.bad_samples =
      config.data.unreadable == Unreadable::kSkip ? data::BadSamples::kSkip : data::BadSamples::kError;
  return options;
}

data::BatchLoader make_loader(const std::vector<data::ChangeExample>& pairs, const RunModel& run,
                              const TrainConfig& config, data::BatchPlan plan) {
  return {pairs, *run.tokenizer, std::move(plan), loader_options(run, config)};
}

int64_t total_steps(const TrainConfig& config, int64_t batches_per_epoch) {
  const auto& batch = config.batch;
  if (batch.epochs == 0.0 && batch.max_steps > 0) return batch.max_steps;
  const double epochs = batch.epochs > 0.0 ? batch.epochs : 1.0;
  const auto all = static_cast<int64_t>(std::ceil(epochs * static_cast<double>(batches_per_epoch)));
  const int64_t most = batch.max_steps > 0 ? batch.max_steps : std::numeric_limits<int64_t>::max();
  return std::clamp<int64_t>(all, 1, most);
}

TensorBatch to_tensors(data::MicroBatch&& batch, int64_t side, const at::TensorOptions& options) {
  const auto device = options.device();
  // The tensor keeps the loader's memory; on the way to a GPU it is copied once, into pinned memory.
  const auto kept = std::make_shared<std::vector<float>>(std::move(batch.pixels));
  const auto pixels = at::from_blob(
      kept->data(), {2 * batch.size(), 3, side, side}, [kept](void*) {}, at::kFloat);
  TensorBatch tensors{runtime::staged(pixels, device).to(options), std::move(batch.ids),
                      std::move(batch.labels)};
  tensors.samples = std::move(batch.samples);
  if (!batch.change_mask.empty()) {
    tensors.change_mask = runtime::staged(at::tensor(batch.change_mask).view({batch.size(), -1}), device);
  }
  if (!batch.classes.empty()) {
    const auto patches = static_cast<int64_t>(batch.change_mask.size()) / batch.size();
    tensors.class_shares =
        runtime::staged(at::tensor(batch.classes).view({2 * batch.size(), patches, -1}), device);
  }
  return tensors;
}

}  // namespace ccexpert::train
