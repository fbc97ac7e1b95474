#include "train/stage.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "train/agreement.h"
#include "train/lora_run.h"
#include "train/resume.h"
#include "train/same_start.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

AdamWOptions optimizer_options(const TrainConfig& config) {
  return {.beta1 = config.optimizer.beta1,
          .beta2 = config.optimizer.beta2,
          .eps = config.optimizer.eps,
          .clip_norm = config.optimizer.clip_norm,
          // A single process holds everything at every stage.
          .zero = static_cast<int>(std::min<int64_t>(config.distributed.zero, 2)),
          .bucket_elements = bucket_elements(config)};
}

/// Returns on several ranks what `load` returns, or throws its Error on all of them, so that none waits for a
/// rank that could not load.
RunModel load_on_all(distributed::Communicator& communicator, const std::function<RunModel()>& load) {
  if (communicator.size() == 1) return load();
  std::optional<RunModel> run;
  on_all_ranks(communicator, [&] {
    try {
      run.emplace(load());
    } catch (...) {
      rethrow_as_error();
    }
  });
  return std::move(run).value();
}

/// Loads the model that the stage starts with, or that of the checkpoint of `step`.
RunModel load_model(const TrainConfig& config, distributed::Communicator& communicator, at::Device device,
                    int64_t step) {
  auto* shares = config.distributed.zero == 3 && communicator.size() > 1 ? &communicator : nullptr;
  if (step > 0) {
    const auto checkpoint = RunFolder(config.output).checkpoint(step);
    return load_on_all(communicator, [&] { return resume_run_model(checkpoint, config, device, shares); });
  }
  if (!config.model.fresh) expect_undamaged(config.model.start, communicator);
  return load_on_all(communicator, [&] { return start_run_model(config, device, shares); });
}

std::unique_ptr<ShardedAdamW> make_optimizer(const RunModel& run, const TrainConfig& config,
                                             const std::vector<TrainableParameter>& parameters,
                                             distributed::Communicator& communicator) {
  const auto options = optimizer_options(config);
  return run.shards ? std::make_unique<ShardedAdamW>(*run.shards, options, communicator)
                    : std::make_unique<ShardedAdamW>(parameters, options, communicator);
}

/// Loads model and data of a stage that starts, or resumes from the checkpoint of `step`.
Stage make_stage(const TrainConfig& config, distributed::Communicator& communicator, at::Device device,
                 int64_t step) {
  const RunFolder folder(config.output);
  auto run = std::make_unique<RunModel>(load_model(config, communicator, device, step));
  auto parameters = trainable_parameters(*run, config);
  auto optimizer = make_optimizer(*run, config, parameters, communicator);
  auto pairs = std::make_unique<const std::vector<data::ChangeExample>>(training_pairs(config));
  auto weights = consensus_weights(*pairs, config.loss.consensus);
  auto self_critical = config.objective == StageObjective::kSelfCritical
                           ? std::make_unique<SelfCritical>(*run, config, *pairs)
                           : nullptr;
  const auto plan = batch_plan(*pairs, config, communicator.rank(), communicator.size());
  auto loader = make_loader(*pairs, *run, config, plan);
  Evaluator evaluator(*run, config, communicator);
  const int64_t total = total_steps(config, plan.batches());
  return {.config = config,
          .communicator = communicator,
          .device = device,
          .folder = folder,
          .run = std::move(run),
          .parameters = std::move(parameters),
          .optimizer = std::move(optimizer),
          .pairs = std::move(pairs),
          .weights = std::move(weights),
          .self_critical = std::move(self_critical),
          .plan = plan,
          .loader = std::move(loader),
          .evaluator = std::move(evaluator),
          .total_steps = total,
          .schedule = make_schedule(config.optimizer.schedule, total, config.optimizer.warmup_ratio)};
}

/// Throws Error if the restored position refers to other data.
void expect_same_samples(const Stage& stage) {
  const auto& progress = stage.progress;
  const int64_t samples = stage.plan.sampler().size();
  constexpr const char* kHint = "other data needs another output";
  if (progress.epoch_samples > 0 && progress.epoch_samples != samples) {
    fail_expected({stage.config.data.train,
                   fmt::format("{} samples per epoch, as when the run began", progress.epoch_samples),
                   std::to_string(samples), kHint});
  }
  if (progress.pairs.empty() || progress.pairs == sum_of_pairs(*stage.pairs)) return;
  fail_expected({stage.config.data.train, "the pairs of the run's beginning, in the same order",
                 "other pairs, captions or another order", kHint});
}

/// Sets the links again, since a kill may have come between a checkpoint and its links.
void set_links(const Stage& stage, int64_t step) {
  if (!stage.leads()) return;
  stage.folder.set_last(step);
  const int64_t best = stage.progress.best_step;
  if (best > 0 && is_there(stage.folder.checkpoint(best))) stage.folder.set_best(best);
}

/// Forgets the best checkpoint if another metric selected it.
void compare_metric(Stage& stage) {
  auto& progress = stage.progress;
  const auto metric = name_of(stage.config.evaluation.metric);
  if (!progress.best || progress.metric.empty() || progress.metric == metric) return;
  stage.notes.push_back(
      fmt::format("the search for the best checkpoint starts again: its metric was {} and is now {}",
                  progress.metric, metric));
  stage.new_metric = true;
  progress.best = std::nullopt;
  progress.best_step = 0;
}

/// Restores optimiser and position from the checkpoint of `step`.
void restore(Stage& stage, int64_t step) {
  stage.progress = read_training_state(stage.folder.checkpoint(step), *stage.optimizer);
  expect_same_samples(stage);
  stage.plan.check(stage.progress.position);
  stage.loader.seek(stage.progress.position);
  set_links(stage, step);
  compare_metric(stage);
}

int64_t count_elements(const std::vector<TrainableParameter>& parameters) {
  int64_t elements = 0;
  for (const auto& parameter : parameters) elements += parameter.tensor.numel();
  return elements;
}

double millions(int64_t count) {
  return static_cast<double>(count) * 1e-6;
}

std::vector<io::NamedTensor> auxiliary_tensors(const RunModel& run) {
  std::vector<io::NamedTensor> tensors;
  if (!run.heads) return tensors;
  for (const auto& item : run.heads->named_parameters())
    tensors.push_back({item.key(), item.value().detach()});
  return tensors;
}

std::string lora_note(const Stage& stage) {
  const auto& lora = stage.config.lora;
  int64_t elements = 0;
  for (const auto& parameter : model::lora_parameters(stage.run->lora)) elements += parameter.tensor.numel();
  return fmt::format("LoRA: rank {}, alpha {}{} on {} matrices, {:.2f} M parameters", lora.rank, lora.alpha,
                     lora.rslora ? " (rsLoRA)" : "", stage.run->lora.size(), millions(elements));
}

std::vector<std::string> introduction(const Stage& stage) {
  const auto& config = stage.config;
  std::vector<std::string> notes;
  if (config.evaluation.every_steps > 0 && !stage.evaluator.has_pairs())
    notes.emplace_back("nothing is evaluated: data.validation names no pairs");
  notes.push_back(fmt::format("{}: {:.2f} of {:.2f} M parameters train, {} on {} x {}, ZeRO {}", config.name,
                              millions(count_elements(stage.parameters)),
                              millions(parameter_count(*stage.run)), name_of(config.model.dtype),
                              stage.communicator.size(), stage.device.str(), config.distributed.zero));
  const auto step = stage.progress.step;
  if (!stage.run->lora.empty()) notes.push_back(lora_note(stage));
  notes.push_back(fmt::format("{} pairs, {} samples per epoch, {} steps of {}{}", stage.pairs->size(),
                              stage.plan.sampler().size(), stage.total_steps, config.batch.global,
                              step > 0 ? fmt::format(", continuing after step {}", step) : ""));
  notes.push_back(fmt::format("question: {:?}", stage.run->question));
  if (stage.evaluator.has_pairs())
    notes.push_back(fmt::format("captions of the evaluation: {}", to_text(stage.evaluator.decoding())));
  return notes;
}

/// Returns the folder with the base of the run's adapter: the start if all its weights stay, else that of the
/// checkpoint, which has them all.
fs::path base_of_adapter(const Stage& stage, const fs::path& checkpoint) {
  const auto& start = stage.run->adapter_base;
  return start.empty() || !trains_only_lora(stage.parameters) ? fs::absolute(checkpoint) : fs::path(start);
}

}  // namespace

Stage start_stage(const TrainConfig& config, distributed::Communicator& communicator, at::Device device) {
  const auto idle = check_ranks(config.batch, communicator.size());
  const RunFolder folder(config.output);
  const int64_t step = agree_on_start(folder, communicator);
  // Before the model is loaded, so that a forbidden change is refused at once.
  const auto changes =
      step > 0 ? changes_since(folder.checkpoint(step), config) : std::vector<ConfigChange>();
  auto stage = make_stage(config, communicator, device, step);
  expect_same_start({*stage.run, *stage.pairs, stage.evaluator.pairs()}, communicator);
  if (step > 0) {
    stage.notes = change_notes(changes, step);
    restore(stage, step);
  }
  if (!idle.empty()) stage.notes.push_back(idle);
  stage.progress.metric = name_of(config.evaluation.metric);
  stage.progress.epoch_samples = stage.plan.sampler().size();
  stage.progress.pairs = sum_of_pairs(*stage.pairs);
  return stage;
}

void save_stage(const Stage& stage) {
  const auto& run = *stage.run;
  const auto folder = stage.folder.checkpoint(stage.progress.step);
  const GatheredPass pass(run.shards.get());
  write_training_state(folder, *run.model, *stage.optimizer, stage.progress,
                       {.config_json = run.config_json,
                        .config_yaml = to_yaml_text(stage.config),
                        .companions = run.companions,
                        .layout = run.layout,
                        .for_others = run.for_others,
                        .auxiliary = auxiliary_tensors(run),
                        .shards = run.shards.get(),
                        .adapter = adapter_files(run.lora, stage.config, base_of_adapter(stage, folder))},
                       stage.communicator);
}

std::unique_ptr<RunLog> open_log(const Stage& stage, const RunControl& control) {
  if (!stage.leads()) return nullptr;
  if (stage.progress.step < stage.total_steps) fs::remove(stage.folder.finished());
  auto log =
      std::make_unique<RunLog>(stage.folder, stage.progress.step, stage.progress.evaluated, control.on_entry);
  for (const auto& note : introduction(stage)) log->note(note);
  for (const auto& note : stage.notes) log->note(note);
  return log;
}

}  // namespace ccexpert::train
