#include "train/run_data.h"

#include <cmath>
#include <memory>

#include <ATen/ATen.h>

#include <ccexpert/text/prompt.h>

namespace ccexpert::train {
namespace {

constexpr double kBytesPerGigabyte = 1e9;

}  // namespace

std::vector<data::ChangeExample> read_examples(const std::string& file, const TrainConfig& config) {
  const std::filesystem::path path(file);
  const auto extension = path.extension();
  if (extension != ".yaml" && extension != ".yml")
    return data::read_change_dataset(path, config.data.image_root);
  return data::read_data_list(path, config.data.image_root, static_cast<uint64_t>(config.seed));
}

data::BatchPlan batch_plan(const std::vector<data::ChangeExample>& pairs, const TrainConfig& config, int rank,
                           int ranks) {
  const auto mode =
      config.data.captions == "flatten" ? data::CaptionMode::kFlatten : data::CaptionMode::kRandomChoice;
  return {data::EpochSampler(data::visits_of(pairs), mode, static_cast<uint64_t>(config.seed)),
          {.global = config.batch.global,
           .micro = config.batch.micro,
           .ranks = ranks,
           .rank = rank,
           .last = data::LastBatch::kKeep}};
}

data::BatchLoader make_loader(const std::vector<data::ChangeExample>& pairs, const RunModel& run,
                              const TrainConfig& config, data::BatchPlan plan) {
  data::LoaderOptions options;
  options.preprocess = run.preprocess;
  if (!config.data.question.empty()) options.question = config.data.question;
  options.labels =
      config.data.labels == "reference" ? text::LabelStyle::kReference : text::LabelStyle::kCaptionOnly;
  options.image_tokens = run.model->config().vision.patches();
  options.max_tokens = config.data.max_tokens;
  if (config.loss.auxiliary()) options.mask_patch = run.model->config().vision.patch_size;
  if (config.loss.needs_classes()) options.classes = config.loss.class_count;
  options.workers = config.data.workers;
  options.prefetch = config.data.prefetch;
  options.cache_bytes = static_cast<int64_t>(config.data.cache_gb * kBytesPerGigabyte);
  options.bad_samples = config.data.unreadable == "skip" ? data::BadSamples::kSkip : data::BadSamples::kError;
  return {pairs, *run.tokenizer, std::move(plan), std::move(options)};
}

int64_t total_steps(const TrainConfig& config, int64_t batches_per_epoch) {
  const auto all =
      static_cast<int64_t>(std::ceil(config.batch.epochs * static_cast<double>(batches_per_epoch)));
  return config.batch.max_steps > 0 ? config.batch.max_steps : std::max<int64_t>(all, 1);
}

TensorBatch to_tensors(data::MicroBatch&& batch, int64_t side, const at::TensorOptions& options) {
  // The tensor keeps the loader's memory, which on a GPU's way is copied once, into pinned memory.
  const auto kept = std::make_shared<std::vector<float>>(std::move(batch.pixels));
  auto pixels = at::from_blob(
      kept->data(), {2 * batch.size(), 3, side, side}, [kept](void*) {}, at::kFloat);
  const bool to_gpu = options.device().is_cuda();
  if (to_gpu) pixels = pixels.pin_memory();
  TensorBatch tensors{pixels.to(options, to_gpu), std::move(batch.ids), std::move(batch.labels)};
  const auto on_device = at::TensorOptions().device(options.device());
  if (!batch.change_mask.empty()) {
    tensors.change_mask = at::tensor(batch.change_mask).view({batch.size(), -1}).to(on_device);
  }
  if (!batch.classes.empty()) {
    const auto patches = static_cast<int64_t>(batch.change_mask.size()) / batch.size();
    tensors.class_shares = at::tensor(batch.classes).view({2 * batch.size(), patches, -1}).to(on_device);
  }
  return tensors;
}

}  // namespace ccexpert::train
