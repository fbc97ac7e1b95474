#include "train/trainer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/files.h"
#include "runtime/device.h"
#include "runtime/memory.h"
#include "train/agreement.h"
#include "train/evaluation.h"
#include "train/flops.h"
#include "train/rank_figures.h"
#include "train/resume.h"
#include "train/run_data.h"
#include "train/run_folder.h"
#include "train/run_lock.h"
#include "train/run_log.h"
#include "train/run_model.h"
#include "train/same_start.h"
#include "train/schedule.h"
#include "train/training_state.h"
#include "train/training_step.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A few steps without an update are accidents; more than this many in a row mean that the model diverged.
constexpr int64_t kMostSkippedInARow = 50;
constexpr const char* kDiverged =
    "start from an intact checkpoint, or lower optimizer.learning_rate; earlier checkpoints remain";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Returns the number of parameters per bucket; gradients are communicated in the parameters' dtype.
int64_t bucket_elements(const TrainConfig& config) {
  const auto bytes_each = static_cast<double>(c10::elementSize(run_dtype(config)));
  return std::max<int64_t>(1, static_cast<int64_t>(config.distributed.bucket_mb * 1e6 / bytes_each));
}

int64_t count_elements(const std::vector<TrainableParameter>& parameters) {
  int64_t elements = 0;
  for (const auto& parameter : parameters) elements += parameter.tensor.numel();
  return elements;
}

class Run {
 public:
  Run(const TrainConfig& config, distributed::Communicator& communicator, at::Device device)
      : config_(config),
        communicator_(communicator),
        device_(device),
        idle_(check_ranks(config.batch, communicator.size())),
        folder_(config.output),
        start_(agree_on_start(folder_, communicator)),
        changes_(start_ > 0 ? changes_since(folder_.checkpoint(start_), config)
                            : std::vector<ConfigChange>{}),
        run_(load_model(device)),
        parameters_(trainable_parameters(run_, config)),
        optimizer_(parameters_, optimizer_options(), communicator),
        pairs_(training_pairs(config)),
        plan_(batch_plan(pairs_, config, communicator.rank(), communicator.size())),
        loader_(make_loader(pairs_, run_, config, plan_)),
        step_(*run_.model, optimizer_, communicator, {config.loss, run_.heads}),
        evaluator_(run_, config, communicator),
        total_(total_steps(config, plan_.batches())),
        schedule_(make_schedule(config.optimizer.schedule, total_, config.optimizer.warmup_ratio)) {
    expect_same_start({run_, pairs_, evaluator_.pairs()}, communicator);
    std::vector<std::string> notes;
    if (start_ > 0) notes = go_on();
    if (!idle_.empty()) notes.push_back(idle_);
    progress_.metric = config.evaluation.metric;
    progress_.epoch_samples = plan_.sampler().size();
    progress_.pairs = sum_of_pairs(pairs_);
    if (!leads()) return;
    if (progress_.step < total_) fs::remove(folder_.finished());
    log_ = std::make_unique<RunLog>(folder_, progress_.step, progress_.evaluated);
    introduce();
    for (const auto& note : notes) log_->note(note);
  }

  TrainOutcome train(const RunControl& control) {
    control.enter(RunPhase::kWork);
    began_ = Clock::now();
    const int64_t first = progress_.step;
    bool stopped = false;
    // A stopped run saved its checkpoint without the evaluation that was due.
    if (progress_.step > 0 && evaluates_now()) {
      stopped = !evaluate(control);
      if (!stopped && saved_ != progress_.step) save();  // the checkpoint on disk lacks this evaluation
    }
    while (progress_.step < total_ && !stopped) {
      const auto report = one_step(control, first);
      outcome_.caption_losses.push_back(report.caption_loss);
      stopped = report.stop && progress_.step < total_;
      if (!stopped && evaluates_now()) stopped = !evaluate(control);
      if (stopped || saves_now()) save();
    }
    if (!stopped) finish();
    outcome_.step = progress_.step;
    outcome_.finished = !stopped;
    control.enter(RunPhase::kSaved);
    return outcome_;
  }

 private:
  bool leads() const { return communicator_.rank() == 0; }

  RunModel load_model(at::Device device) const {
    if (start_ > 0) return resume_run_model(folder_.checkpoint(start_), config_, device);
    if (!config_.model.fresh) expect_undamaged(config_.model.start, communicator_);
    return start_run_model(config_, device);
  }

  AdamWOptions optimizer_options() const {
    return {.beta1 = config_.optimizer.beta1,
            .beta2 = config_.optimizer.beta2,
            .eps = config_.optimizer.eps,
            .clip_norm = config_.optimizer.clip_norm,
            .zero = static_cast<int>(config_.distributed.zero),
            .bucket_elements = bucket_elements(config_)};
  }

  /// Restores the newest checkpoint; returns notes for the user.
  std::vector<std::string> go_on() {
    auto notes = change_notes(changes_, start_);
    const auto checkpoint = folder_.checkpoint(start_);
    progress_ = read_training_state(checkpoint, optimizer_);
    expect_same_samples();
    plan_.check(progress_.position);
    loader_.seek(progress_.position);
    set_links();
    if (progress_.best && !progress_.metric.empty() && progress_.metric != config_.evaluation.metric) {
      notes.push_back(
          fmt::format("the search for the best checkpoint starts again: its metric was {} and is now {}",
                      progress_.metric, config_.evaluation.metric));
      metric_changed_ = true;
      progress_.best = std::nullopt;
      progress_.best_step = 0;
    }
    return notes;
  }

  /// Throws Error if the saved position refers to other data.
  void expect_same_samples() const {
    const int64_t samples = plan_.sampler().size();
    constexpr const char* kHint = "other data needs another output";
    if (progress_.epoch_samples > 0 && progress_.epoch_samples != samples) {
      fail_expected({config_.data.train,
                     fmt::format("{} samples per epoch, as when the run began", progress_.epoch_samples),
                     std::to_string(samples), kHint});
    }
    if (progress_.pairs.empty() || progress_.pairs == sum_of_pairs(pairs_)) return;
    fail_expected({config_.data.train, "the pairs of the run's beginning, in the same order",
                   "other pairs, captions or another order", kHint});
  }

  /// Sets the links again, since a kill may have come between a checkpoint and its links.
  void set_links() const {
    if (!leads()) return;
    folder_.set_last(start_);
    const int64_t best = progress_.best_step;
    if (best > 0 && is_there(folder_.checkpoint(best))) folder_.set_best(best);
  }

  void introduce() {
    if (config_.evaluation.every_steps > 0 && !evaluator_.has_pairs())
      log_->note("nothing is evaluated: data.validation names no pairs");
    log_->note(fmt::format("{}: {:.2f} of {:.2f} M parameters train, {} on {} x {}, ZeRO {}", config_.name,
                           static_cast<double>(count_elements(parameters_)) * 1e-6,
                           static_cast<double>(parameter_count(run_)) * 1e-6, config_.model.dtype,
                           communicator_.size(), device_.str(), config_.distributed.zero));
    log_->note(
        fmt::format("{} pairs, {} samples per epoch, {} steps of {}{}", pairs_.size(), plan_.sampler().size(),
                    total_, config_.batch.global,
                    progress_.step > 0 ? fmt::format(", continuing after step {}", progress_.step) : ""));
    log_->note(fmt::format("question: {:?}", run_.question));
    if (evaluator_.has_pairs())
      log_->note(fmt::format("captions of the evaluation: {}", to_text(evaluator_.decoding())));
  }

  StepReport one_step(const RunControl& control, int64_t first) {
    const auto start = Clock::now();
    const bool stop = control.stop.stop_requested();
    const auto share = plan_.share(progress_.position.batch);
    double wait = 0.0;
    const auto next = [&] {
      control.enter(RunPhase::kInput);
      auto batch = loader_.next();
      control.enter(RunPhase::kWork);
      wait += batch.wait_seconds;
      return to_tensors(std::move(batch), run_.preprocess.size, run_.model->options());
    };
    const double rate = config_.optimizer.learning_rate * schedule_.factor(progress_.step);
    auto report =
        step_.run(next, {.own = share.own, .rounds = share.most, .total = share.total, .stop = stop}, rate);
    progress_.position = plan_.after(progress_.position);
    ++progress_.step;
    progress_.updates = optimizer_.steps();
    progress_.samples += report.samples;
    progress_.skipped_updates += report.skipped ? 1 : 0;
    skipped_in_a_row_ = report.skipped ? skipped_in_a_row_ + 1 : 0;
    const auto figures = of_all_ranks({.wait_seconds = wait,
                                       .memory = peak_bytes(device_),
                                       .skipped_samples = loader_.skipped() - own_skipped_,
                                       .contradictions = loader_.contradictions() - own_contradictions_},
                                      communicator_, device_);
    own_skipped_ = loader_.skipped();
    own_contradictions_ = loader_.contradictions();
    progress_.skipped_samples += figures.skipped_samples;
    if (leads()) log_step(report, rate, seconds_since(start), figures, first);
    warn_of_contradictions(figures.contradictions);
    if (skipped_in_a_row_ > kMostSkippedInARow)
      fail(config_.name,
           fmt::format("{} steps in a row had gradients that are not finite", skipped_in_a_row_), kDiverged);
    return report;
  }

  /// Warns at the first sample and whenever their number has doubled.
  void warn_of_contradictions(int64_t more) {
    contradictions_ += more;
    if (!leads() || contradictions_ == 0 || contradictions_ < 2 * warned_) return;
    warned_ = contradictions_;
    log::warning(
        fmt::format("{} samples so far have a change_flag that contradicts their mask", contradictions_));
  }

  void log_step(const StepReport& report, double rate, double seconds, const RankFigures& figures,
                int64_t first) {
    const double per_step = seconds_since(began_) / static_cast<double>(progress_.step - first);
    const auto batches = static_cast<double>(plan_.batches());
    log_->write(StepLine{
        .step = progress_.step,
        .steps = total_,
        .epoch = static_cast<double>(progress_.position.epoch) +
                 static_cast<double>(progress_.position.batch) / batches,
        .caption_loss = report.caption_loss,
        .mask_loss = report.mask_loss,
        .class_loss = report.class_loss,
        .image_token_loss = report.image_token_loss,
        .grad_norm = report.grad_norm,
        .learning_rate = rate,
        .seconds = seconds,
        .wait_seconds = figures.wait_seconds,
        .tokens = report.tokens,
        .samples = report.samples,
        .flops = step_flops(run_.model->config(), trained_parts(parameters_), report.samples, report.tokens),
        .peak_flops = config_.peak_tflops * 1e12 * static_cast<double>(communicator_.size()),
        .memory = figures.memory,
        .skipped_updates = progress_.skipped_updates,
        .skipped_samples = progress_.skipped_samples,
        .seconds_left = per_step * static_cast<double>(total_ - progress_.step)});
  }

  bool evaluates_now() const {
    if (!evaluator_.has_pairs() || progress_.evaluated == progress_.step) return false;
    const auto& evaluation = config_.evaluation;
    const bool by_steps = evaluation.every_steps > 0 && progress_.step % evaluation.every_steps == 0;
    const bool by_epoch = evaluation.every_epoch && progress_.position.batch == 0;
    return by_steps || by_epoch || progress_.step == total_;
  }

  bool saves_now() const {
    const int64_t every = config_.checkpoint.every_steps;
    return saved_ != progress_.step &&
           ((every > 0 && progress_.step % every == 0) || progress_.step == total_);
  }

  /// Returns false if a stop was requested before the end.
  bool evaluate(const RunControl& control) {
    auto line = evaluator_.run(progress_.step, control);
    if (!line) return false;
    line->best = is_better(line->metric, line->score, progress_.best);
    if (line->best) {
      progress_.best = line->score;
      progress_.best_step = progress_.step;
    }
    progress_.evaluated = progress_.step;
    if (leads()) log_->write(*line);
    if (line->best) save();
    if (line->best && leads()) folder_.set_best(progress_.step);
    if (!line->best) write_report();
    return true;
  }

  void save() {
    write_training_state(folder_.checkpoint(progress_.step), *run_.model, optimizer_, progress_,
                         {.config_json = run_.config_json,
                          .config_yaml = to_yaml_text(config_),
                          .companions = run_.companions,
                          .layout = run_.layout,
                          .for_others = run_.for_others,
                          .auxiliary = auxiliary()},
                         communicator_);
    saved_ = progress_.step;
    if (!leads()) return;
    folder_.set_last(progress_.step);
    folder_.prune(config_.checkpoint.keep_last, progress_.step);
    write_report();
    log::info(fmt::format("saved {}", folder_.checkpoint(progress_.step).string()));
  }

  std::vector<io::NamedTensor> auxiliary() const {
    std::vector<io::NamedTensor> tensors;
    if (!run_.heads) return tensors;
    for (const auto& item : run_.heads->named_parameters())
      tensors.push_back({item.key(), item.value().detach()});
    return tensors;
  }

  void finish() {
    if (progress_.updates == 0)
      fail(config_.name, fmt::format("none of its {} steps had finite gradients", progress_.step), kDiverged);
    if (evaluator_.has_pairs() && !progress_.best && !metric_changed_)
      fail(config_.name, fmt::format("no evaluation gave a finite {}", config_.evaluation.metric), kDiverged);
    if (leads()) {
      // Without a validation split the last checkpoint counts as the best.
      if (!progress_.best) folder_.set_best(progress_.step);
      write_file(folder_.finished(), fmt::format("{}\n", progress_.step));
    }
    write_report();
  }

  void write_report() const {
    if (leads()) log_->write_report(config_.name, to_yaml_text(config_));
  }

  const TrainConfig& config_;
  distributed::Communicator& communicator_;
  const at::Device device_;
  const std::string idle_;
  const RunFolder folder_;
  const int64_t start_;
  const std::vector<ConfigChange>
      changes_;  // before the model, so that a forbidden change is refused at once
  RunModel run_;
  std::vector<TrainableParameter> parameters_;
  ShardedAdamW optimizer_;
  const std::vector<data::ChangeExample> pairs_;
  const data::BatchPlan plan_;
  data::BatchLoader loader_;
  TrainingStep step_;
  Evaluator evaluator_;
  const int64_t total_;
  const Schedule schedule_;
  Progress progress_;
  std::unique_ptr<RunLog> log_;
  TrainOutcome outcome_;
  Clock::time_point began_;
  int64_t saved_ = -1;
  int64_t skipped_in_a_row_ = 0;
  bool metric_changed_ = false;  ///< since the interruption; the search for the best then starts again
  int64_t own_skipped_ = 0;      ///< samples that this rank left out and has reported
  int64_t own_contradictions_ = 0;
  int64_t contradictions_ = 0;  ///< samples of all ranks whose change_flag contradicts their mask
  int64_t warned_ = 0;          ///< value of contradictions_ at the last warning
};

/// Locks the folder on rank 0, before anything in it is read or removed.
std::unique_ptr<RunLock> lock_folder(const TrainConfig& config, distributed::Communicator& communicator) {
  std::unique_ptr<RunLock> lock;
  first_rank_says(communicator, [&] {
    RunFolder(config.output).create();
    lock = std::make_unique<RunLock>(config.output);
    return std::string();
  });
  return lock;
}

}  // namespace

TrainOutcome train(const TrainConfig& config, distributed::Communicator& communicator, at::Device device,
                   const RunControl& control) {
  control.enter(RunPhase::kSaved);
  config.validate();
  if (config.threads > 0) at::set_num_threads(static_cast<int>(config.threads));
  expect_same_config({config}, communicator);
  const auto lock = lock_folder(config, communicator);
  return Run(config, communicator, device).train(control);
}

bool is_finished(const TrainConfig& config) {
  const RunFolder folder(config.output);
  if (!is_there(folder.finished())) return false;
  const auto text = read_file(folder.finished());
  int64_t step = 0;
  std::from_chars(text.data(), text.data() + text.size(), step);
  const auto last = folder.checkpoint(step) / "config.yaml";
  if (!is_there(last)) return true;
  // A finished run whose epochs or max_steps were raised continues.
  const auto changes = config_changes(read_file(last), to_yaml_text(config));
  return std::none_of(changes.begin(), changes.end(), [](const auto& change) {
    return change.key == "batch.epochs" || change.key == "batch.max_steps";
  });
}

at::Device device_of_rank(const TrainConfig& config, int local_rank) {
  const auto device = device_from_name(config.device);
  return device.is_cuda() ? device_from_name(fmt::format("cuda:{}", local_rank)) : device;
}

}  // namespace ccexpert::train
