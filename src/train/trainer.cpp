#include "train/trainer.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/files.h"
#include "runtime/device.h"
#include "runtime/memory.h"
#include "train/agreement.h"
#include "train/flops.h"
#include "train/rank_figures.h"
#include "train/resume.h"
#include "train/run_lock.h"
#include "train/same_start.h"
#include "train/stage.h"
#include "train/training_step.h"

namespace ccexpert::train {
namespace {

using Clock = std::chrono::steady_clock;

/// A few steps without an update are accidents; more than this many in a row mean that the model diverged.
constexpr int64_t kMostSkippedInARow = 50;
constexpr const char* kDiverged =
    "start from an intact checkpoint, or lower optimizer.learning_rate; earlier checkpoints remain";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Warns of samples whose change_flag contradicts their mask: at the first and whenever their number has
/// doubled.
class ContradictionWarning {
 public:
  void add(int64_t more) {
    count_ += more;
    if (count_ == 0 || count_ < 2 * warned_) return;
    warned_ = count_;
    log::warning(fmt::format("{} samples so far have a change_flag that contradicts their mask", count_));
  }

 private:
  int64_t count_ = 0;
  int64_t warned_ = 0;  ///< value of count_ at the last warning
};

/// Timing and figures of one step, for the log.
struct StepFigures {
  double learning_rate = 0.0;
  double seconds = 0.0;
  RankFigures ranks = {};
};

Objective objective_of(const Stage& stage) {
  Objective objective{.weights = stage.config.loss, .heads = stage.run->heads};
  if (auto* self_critical = stage.self_critical.get())
    objective.captions = [self_critical](const TensorBatch& batch, const at::Tensor& image_tokens) {
      return self_critical->draw(batch, image_tokens);
    };
  return objective;
}

/// Steps, evaluations and checkpoints of a started stage.
class TrainingLoop {
 public:
  /// `stage` and `control` must outlive it.
  TrainingLoop(Stage& stage, const RunControl& control)
      : stage_(stage),
        control_(control),
        progress_(stage.progress),
        step_(*stage.run->model, *stage.optimizer, stage.communicator, objective_of(stage)),
        log_(open_log(stage, control)),
        first_(stage.progress.step) {}

  TrainOutcome run() {
    control_.enter(RunPhase::kWork);
    began_ = Clock::now();
    bool stopped = evaluate_late();
    while (progress_.step < stage_.total_steps && !stopped) {
      const auto report = one_step();
      outcome_.caption_losses.push_back(report.caption_loss);
      stopped = report.stop && progress_.step < stage_.total_steps;
      if (!stopped && evaluates_now()) stopped = !evaluate();
      if (stopped || saves_now()) save();
    }
    if (!stopped) finish();
    outcome_.step = progress_.step;
    outcome_.finished = !stopped;
    control_.enter(RunPhase::kSaved);
    return outcome_;
  }

 private:
  /// Evaluates a resumed checkpoint that was saved at a stop, without the evaluation that was due. Returns
  /// true if a stop was requested.
  bool evaluate_late() {
    if (progress_.step == 0 || !evaluates_now()) return false;
    if (!evaluate()) return true;
    if (saved_ != progress_.step) save();  // the checkpoint on disk lacks this evaluation
    return false;
  }

  StepReport one_step() {
    const auto start = Clock::now();
    StepFigures figures{.learning_rate =
                            stage_.config.optimizer.learning_rate * stage_.schedule.factor(progress_.step)};
    double wait = 0.0;
    auto plan = step_plan();
    plan.before_update = [&] { figures.ranks = figures_of_ranks(wait); };
    const auto report = step_.run([&] { return next_batch(wait); }, plan, figures.learning_rate);
    count(report);
    progress_.skipped_samples += figures.ranks.skipped_samples;
    figures.seconds = seconds_since(start);
    if (log_) {
      log_->write(line_of(report, figures));
      contradictions_.add(figures.ranks.contradictions);
    }
    expect_updates();
    return report;
  }

  StepPlan step_plan() const {
    const auto share = stage_.plan.share(progress_.position.batch);
    return {
        .own = share.own, .rounds = share.most, .total = share.total, .stop = control_.stop.stop_requested()};
  }

  /// Adds the time spent waiting to `wait`.
  TensorBatch next_batch(double& wait) {
    control_.enter(RunPhase::kInput);
    auto batch = stage_.loader.next();
    control_.enter(RunPhase::kWork);
    wait += batch.wait_seconds;
    auto seeds = stage_.self_critical ? draw_seeds(batch) : std::vector<uint64_t>();
    auto tensors = to_tensors(std::move(batch), stage_.run->preprocess.size, stage_.run->model->options());
    tensors.weights = weights_of_samples(stage_.weights, tensors.samples);
    tensors.seeds = std::move(seeds);
    return tensors;
  }

  std::vector<uint64_t> draw_seeds(const data::MicroBatch& batch) const {
    std::vector<uint64_t> seeds;
    for (const int64_t place : batch.places)
      seeds.push_back(draw_seed(stage_.config.seed, batch.position.epoch, place));
    return seeds;
  }

  void count(const StepReport& report) {
    progress_.position = stage_.plan.after(progress_.position);
    ++progress_.step;
    progress_.updates = stage_.optimizer->steps();
    progress_.samples += report.samples;
    progress_.skipped_updates += report.skipped ? 1 : 0;
    skipped_in_a_row_ = report.skipped ? skipped_in_a_row_ + 1 : 0;
  }

  RankFigures figures_of_ranks(double wait) {
    const auto& loader = stage_.loader;
    const RankFigures own{.wait_seconds = wait,
                          .memory = runtime::peak_bytes(stage_.device),
                          .skipped_samples = loader.skipped() - reported_.skipped_samples,
                          .contradictions = loader.contradictions() - reported_.contradictions};
    reported_.skipped_samples = loader.skipped();
    reported_.contradictions = loader.contradictions();
    return of_all_ranks(own, stage_.communicator, stage_.device);
  }

  void expect_updates() const {
    if (skipped_in_a_row_ <= kMostSkippedInARow) return;
    fail(stage_.config.name,
         fmt::format("{} steps in a row had gradients that are not finite", skipped_in_a_row_), kDiverged);
  }

  StepLine line_of(const StepReport& report, const StepFigures& figures) const {
    const double per_step = seconds_since(began_) / static_cast<double>(progress_.step - first_);
    const auto batches = static_cast<double>(stage_.plan.batches());
    const auto ranks = static_cast<double>(stage_.communicator.size());
    return {.step = progress_.step,
            .steps = stage_.total_steps,
            .epoch = static_cast<double>(progress_.position.epoch) +
                     static_cast<double>(progress_.position.batch) / batches,
            .caption_loss = report.caption_loss,
            .mask_loss = report.mask_loss,
            .class_loss = report.class_loss,
            .image_token_loss = report.image_token_loss,
            .reward = stage_.self_critical ? std::optional(report.reward) : std::nullopt,
            .grad_norm = report.grad_norm,
            .learning_rate = figures.learning_rate,
            .seconds = figures.seconds,
            .wait_seconds = figures.ranks.wait_seconds,
            .tokens = report.tokens,
            .samples = report.samples,
            .flops = step_flops(stage_.run->model->config(), trained_parts(stage_.parameters), report.samples,
                                report.tokens),
            .peak_flops = stage_.config.peak_tflops * 1e12 * ranks,
            .memory = figures.ranks.memory,
            .skipped_updates = progress_.skipped_updates,
            .skipped_samples = progress_.skipped_samples,
            .seconds_left = per_step * static_cast<double>(stage_.total_steps - progress_.step)};
  }

  bool evaluates_now() const {
    if (!stage_.evaluator.has_pairs() || progress_.evaluated == progress_.step) return false;
    const auto& evaluation = stage_.config.evaluation;
    const bool by_steps = evaluation.every_steps > 0 && progress_.step % evaluation.every_steps == 0;
    const bool by_epoch = evaluation.every_epoch && progress_.position.batch == 0;
    return by_steps || by_epoch || progress_.step == stage_.total_steps;
  }

  bool saves_now() const {
    const int64_t every = stage_.config.checkpoint.every_steps;
    return saved_ != progress_.step &&
           ((every > 0 && progress_.step % every == 0) || progress_.step == stage_.total_steps);
  }

  /// Returns false if a stop was requested before the end.
  bool evaluate() {
    auto line = stage_.evaluator.run(progress_.step, control_);
    if (!line) return false;
    line->best = is_better(line->metric, line->score, progress_.best);
    if (line->best) {
      progress_.best = line->score;
      progress_.best_step = progress_.step;
    }
    progress_.evaluated = progress_.step;
    if (log_) log_->write(*line);
    if (line->best) save();
    if (line->best && stage_.leads()) stage_.folder.set_best(progress_.step);
    if (!line->best) write_report();
    return true;
  }

  void save() {
    save_stage(stage_);
    saved_ = progress_.step;
    if (!stage_.leads()) return;
    stage_.folder.set_last(progress_.step);
    stage_.folder.prune(stage_.config.checkpoint.keep_last, progress_.step);
    write_report();
    log::info(fmt::format("saved {}", stage_.folder.checkpoint(progress_.step).string()));
  }

  void finish() {
    expect_result();
    if (stage_.leads()) {
      // Without a validation split the last checkpoint counts as the best.
      if (!progress_.best) stage_.folder.set_best(progress_.step);
      write_file(stage_.folder.finished(), fmt::format("{}\n", progress_.step));
    }
    write_report();
  }

  void expect_result() const {
    const auto& config = stage_.config;
    if (progress_.updates == 0)
      fail(config.name, fmt::format("none of its {} steps had finite gradients", progress_.step), kDiverged);
    if (stage_.evaluator.has_pairs() && !progress_.best && !stage_.new_metric)
      fail(config.name, fmt::format("no evaluation gave a finite {}", name_of(config.evaluation.metric)),
           kDiverged);
  }

  void write_report() const {
    if (log_) log_->write_report(stage_.config.name, to_yaml_text(stage_.config));
  }

  Stage& stage_;
  const RunControl& control_;
  Progress& progress_;
  TrainingStep step_;
  std::unique_ptr<RunLog> log_;  ///< null on all ranks but 0
  const int64_t first_;          ///< step at which this call began
  Clock::time_point began_;
  TrainOutcome outcome_;
  int64_t saved_ = -1;
  int64_t skipped_in_a_row_ = 0;
  RankFigures reported_;  ///< counts of this rank that earlier steps reported
  ContradictionWarning contradictions_;
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
  auto stage = start_stage(config, communicator, device);
  return TrainingLoop(stage, control).run();
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
  const auto device = runtime::device_from_name(config.device);
  return device.is_cuda() ? runtime::device_from_name(fmt::format("cuda:{}", local_rank)) : device;
}

}  // namespace ccexpert::train
