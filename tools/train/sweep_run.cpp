#include "train/sweep_run.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/launcher.h"
#include "common/progress.h"
#include "core/files.h"
#include "distributed/shared/rank.h"
#include "train/shared/sweep_state.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using train::RunRecord;
using train::RunState;
using train::Sweep;
using train::SweepRun;

/// Returns ccexpert-caption, which is installed beside this program.
fs::path caption_program() {
  const auto program = fs::read_symlink("/proc/self/exe").parent_path() / "ccexpert-caption";
  if (!is_there(program)) fail_expected({"captions", "ccexpert-caption beside ccexpert-train", "none there"});
  return program;
}

std::vector<std::string> training_arguments(const SweepRun& run, bool quiet) {
  std::vector<std::string> arguments{"/proc/self/exe", "--config", run.config.string()};
  if (quiet) arguments.emplace_back("--quiet");
  arguments.insert(arguments.end(), run.overrides.begin(), run.overrides.end());
  return arguments;
}

std::vector<std::string> caption_arguments(const train::SweepCaptions& captions,
                                           const train::SweepCaptionJob& job, bool quiet) {
  std::vector<std::string> arguments{caption_program().string(),
                                     "--model",
                                     job.model.string(),
                                     "--pairs",
                                     captions.pairs,
                                     "--format",
                                     "jsonl",
                                     "--output",
                                     job.captions.string(),
                                     "--resume"};
  if (quiet) arguments.emplace_back("--quiet");
  arguments.insert(arguments.end(), captions.options.begin(), captions.options.end());
  return arguments;
}

/// Runs of a sweep in processes of their own.
class SweepRunner {
 public:
  SweepRunner(const TrainCommand& command, const Sweep& sweep, const std::vector<SweepRun>& runs)
      : command_(command), sweep_(sweep), runs_(runs) {}

  /// Does one run, unless it is finished.
  void run(size_t index, const std::stop_token& stop) {
    const auto& run = runs_[index];
    auto record = train::read_record(sweep_, run);
    const auto title = fmt::format("run {} of {}: {}", index + 1, runs_.size(), run.title());
    if (record.state == RunState::kFinished) {
      log::info(title + " is finished already");
      return;
    }
    log::info(title);
    const auto start = Clock::now();
    train::start_record(sweep_, run, record);
    record.exit_code = exit_code_of(run, stop);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    record.seconds += seconds;
    record.state = state_after(record.exit_code, stop);
    train::write_record(run, record);
    report(title, record, seconds);
    train::write_summary(sweep_, runs_);
  }

  bool failed() const { return failed_; }

 private:
  static RunState state_after(int64_t exit_code, const std::stop_token& stop) {
    if (stop.stop_requested()) return RunState::kStopped;
    return exit_code == kSuccess ? RunState::kFinished : RunState::kFailed;
  }

  /// Trains and captions; returns the first exit code that is not 0.
  int exit_code_of(const SweepRun& run, const std::stop_token& stop) const {
    const int processes = std::max(1, command_.processes);
    int code = launch({.arguments = training_arguments(run, command_.quiet), .processes = processes}, stop);
    for (const auto& job : train::caption_jobs(sweep_.captions, run)) {
      if (code != kSuccess || stop.stop_requested()) return code;
      code = launch({.arguments = caption_arguments(sweep_.captions, job, command_.quiet)}, stop);
    }
    return code;
  }

  void report(const std::string& title, const RunRecord& record, double seconds) {
    if (record.state == RunState::kFinished) {
      log::info(fmt::format("{} finished in {}", title, duration_text(seconds)));
    } else if (record.state == RunState::kStopped) {
      log::info(title + " stopped; the same command continues");
    } else {
      failed_ = true;
      log::error(fmt::format("{} failed with exit code {}; see the messages above", title, record.exit_code));
    }
  }

  const TrainCommand& command_;
  const Sweep& sweep_;
  const std::vector<SweepRun>& runs_;
  bool failed_ = false;
};

/// One run that this process trains together with other ranks of a launcher.
class RankRunner {
 public:
  RankRunner(const TrainCommand& command, const Sweep& sweep, const std::vector<SweepRun>& runs)
      : command_(command), sweep_(sweep), runs_(runs) {}

  /// Trains; rank 0 also keeps the record and the summary, and captions. Returns the exit code.
  int run(const SweepRun& run, const TrainHere& train_here) const {
    TrainCommand own = command_;
    own.config = run.config;
    own.overrides = run.overrides;
    if (distributed::rank_from_environment().rank != 0) return train_here(own, run.stages);
    auto record = train::read_record(sweep_, run);
    const auto start = Clock::now();
    record.exit_code = kSuccess;
    train::start_record(sweep_, run, record);
    try {
      record.exit_code = train_here(own, run.stages);
    } catch (...) {
      record.exit_code = kFailed;
      finish(run, record, start);
      throw;
    }
    const Interrupt interrupt;
    caption(run, record, interrupt.token());
    if (interrupt.signal() != 0) record.exit_code = kSignalBase + interrupt.signal();
    finish(run, record, start);
    return static_cast<int>(record.exit_code);
  }

 private:
  void caption(const SweepRun& run, RunRecord& record, const std::stop_token& stop) const {
    for (const auto& job : train::caption_jobs(sweep_.captions, run)) {
      if (record.exit_code != kSuccess) return;
      record.exit_code = launch({.arguments = caption_arguments(sweep_.captions, job, command_.quiet)}, stop);
    }
  }

  static RunState state_after(int64_t exit_code) {
    if (exit_code == kSignalBase + SIGTERM || exit_code == kSignalBase + SIGINT) return RunState::kStopped;
    return exit_code == kSuccess ? RunState::kFinished : RunState::kFailed;
  }

  void finish(const SweepRun& run, RunRecord& record, Clock::time_point start) const {
    record.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    record.state = state_after(record.exit_code);
    train::write_record(run, record);
    train::write_summary(sweep_, runs_);
  }

  const TrainCommand& command_;
  const Sweep& sweep_;
  const std::vector<SweepRun>& runs_;
};

}  // namespace

int64_t chosen_run(const TrainCommand& command, int64_t runs) {
  const char* task = std::getenv("SLURM_ARRAY_TASK_ID");
  const bool from_task = command.row == 0 && task != nullptr && *task != '\0';
  if (command.row == 0 && !from_task) return 0;
  const auto text = from_task ? std::string(task) : std::to_string(command.row);
  int64_t row = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (error != std::errc() || end != text.data() + text.size() || row < 1 || row > runs)
    fail_expected({from_task ? "SLURM_ARRAY_TASK_ID" : "--row", fmt::format("1 to {}", runs), text,
                   "--sweep FILE --plan lists the runs"});
  return row;
}

int run_sweep(const TrainCommand& command, const TrainHere& train_here) {
  const auto sweep = train::read_sweep(command.sweep);
  const auto runs = train::runs_of(sweep, command.sweep, command.overrides);
  const auto chosen = static_cast<size_t>(chosen_run(command, std::ssize(runs)));
  if (!sweep.captions.pairs.empty()) caption_program();
  const auto ranks = distributed::rank_from_environment().size;
  if (ranks > 1 && command.processes == 0) {
    if (chosen == 0)
      fail_expected({"--sweep", fmt::format("--row N, as {} ranks train one run together", ranks), "all runs",
                     "or --nproc instead of the launcher"});
    return RankRunner(command, sweep, runs).run(runs[chosen - 1], train_here);
  }
  const Interrupt interrupt;
  if (command.quiet) log::set_level(log::Level::kWarning);
  SweepRunner runner(command, sweep, runs);
  for (size_t i = 0; i < runs.size() && interrupt.signal() == 0; ++i) {
    if (chosen == 0 || i + 1 == chosen) runner.run(i, interrupt.token());
  }
  train::write_summary(sweep, runs);
  if (!command.quiet) fmt::print("{}", train::summary_table(sweep, runs));
  if (interrupt.signal() != 0) return kSignalBase + interrupt.signal();
  return runner.failed() ? kSomeFailed : kSuccess;
}

}  // namespace ccexpert::tools
