#include "train/train_command.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/train/session.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/launched.h"
#include "common/launcher.h"
#include "core/files.h"
#include "train/shared/average.h"
#include "train/shared/compose.h"
#include "train/shared/export.h"
#include "train/shared/plan.h"
#include "train/shared/sweep_state.h"
#include "train/sweep_run.h"
#include "train/train_options.h"

namespace ccexpert::tools {
namespace {

using train::TrainConfig;

/// Returns `start`, or a folder beside the config's or the one above it with the sizes of a base that is not
/// downloaded yet.
std::string start_for_plan(const std::string& start, const std::filesystem::path& config) {
  namespace fs = std::filesystem;
  if (is_there(start)) return start;
  const auto base = fs::path("bases") / fs::path(start).filename();
  const auto beside = config.parent_path() / base, above = config.parent_path().parent_path() / base;
  const auto& known = is_there(beside) ? beside : above;
  if (!is_there(known)) return start;
  log::info(
      fmt::format("model.start: {} does not exist yet; sizes are taken from {}", start, known.string()));
  return known.string();
}

int print_plans(const TrainCommand& command, const std::vector<TrainConfig>& stages) {
  const int ranks = std::max({1, command.plan_ranks, command.processes});
  bool fits = true;
  std::string start;
  for (auto stage : stages) {
    // If the previous stage has not run yet, its own start has the same sizes.
    if (!start.empty() && !is_there(stage.model.start)) stage.model.start = start;
    stage.model.start = start_for_plan(stage.model.start, command.config);
    start = stage.model.start;
    const auto plan = train::plan_of(stage, ranks);
    fmt::print("{}\n", train::to_text(plan));
    fits = fits && plan.fits;
  }
  return fits ? kSuccess : kFailed;
}

/// Prints the list of a sweep's runs, then the plan of each row, or of the row of the chosen run.
int print_sweep_plans(const TrainCommand& command) {
  const auto sweep = train::read_sweep(command.sweep);
  const auto runs = train::runs_of(sweep, command.sweep, command.overrides);
  const auto chosen = command.row == 0 ? 0 : static_cast<size_t>(chosen_run(command, std::ssize(runs)));
  fmt::print("{}", train::summary_table(sweep, runs));
  int code = kSuccess;
  std::string row;
  for (const auto& run : runs) {
    if (run.row == row || (chosen > 0 && run.row != runs[chosen - 1].row)) continue;
    row = run.row;
    fmt::print("\n{}\n", row);
    auto own = command;
    own.config = run.config;
    code = std::max(code, print_plans(own, run.stages));
  }
  return code;
}

int launch_ranks(const TrainCommand& command) {
  LaunchRequest request{.arguments = {"/proc/self/exe", "--config", command.config.string()},
                        .processes = command.processes};
  if (command.quiet) request.arguments.emplace_back("--quiet");
  request.arguments.insert(request.arguments.end(), command.overrides.begin(), command.overrides.end());
  const Interrupt interrupt;
  const int code = launch(request, interrupt.token());
  return interrupt.signal() == 0 ? code : kSignalBase + interrupt.signal();
}

/// Returns null if a signal ended the wait for other ranks; the log names them.
std::unique_ptr<train::Session> start_session(const std::vector<TrainConfig>& stages,
                                              const Interrupt& interrupt) {
  try {
    return std::make_unique<train::Session>(stages, interrupt.token());
  } catch (const Error& error) {
    if (interrupt.signal() == 0) throw;
    log::error(error.what());
    return nullptr;
  }
}

/// Returns how long a stop may take in this phase. A run that has something to save gets the time to do so.
std::optional<Interrupt::Milliseconds> stop_deadline(train::RunPhase phase, const TrainConfig& stage) {
  if (phase == train::RunPhase::kWork) return std::nullopt;
  if (phase == train::RunPhase::kSaved) return kStopDeadline;
  return Interrupt::Milliseconds(std::llround(1e3 * stage.distributed.stop_seconds));
}

int train_stages(const TrainCommand& command, const std::vector<TrainConfig>& stages) {
  Interrupt interrupt(kStopDeadline);
  end_with_launcher();
  if (command.quiet) log::set_level(log::Level::kWarning);
  const auto session = start_session(stages, interrupt);
  if (!session) return kSignalBase + interrupt.signal();
  if (session->rank() != 0) log::set_level(log::Level::kWarning);
  const auto finishes = [&](const TrainConfig& stage) {
    return session->train(stage, {.stop = interrupt.token(), .on_phase = [&](train::RunPhase phase) {
                                    interrupt.set_deadline(stop_deadline(phase, stage));
                                  }});
  };
  const bool finished = std::all_of(stages.begin(), stages.end(), finishes);
  if (interrupt.signal() != 0) return kSignalBase + interrupt.signal();
  // A signal to another rank stops this one too.
  return finished ? kSuccess : kSignalBase + SIGTERM;
}

int run(const TrainCommand& command) {
  if (!command.vision.empty()) {
    train::compose_model({.vision = command.vision,
                          .decoder = command.decoder,
                          .to = command.export_to,
                          .image_size = command.image_size,
                          .dtype = command.export_dtype,
                          .shard_mb = command.export_shard_mb});
    return kSuccess;
  }
  if (!command.export_from.empty()) {
    train::export_model({.from = command.export_from,
                         .to = command.export_to,
                         .dtype = command.export_dtype,
                         .layout = command.export_layout,
                         .shard_mb = command.export_shard_mb,
                         .adapter = command.export_adapter});
    return kSuccess;
  }
  if (!command.average.empty()) {
    train::average_checkpoints(
        {.from = command.average, .to = command.average_to, .weights = command.average_weights});
    return kSuccess;
  }
  if (!command.sweep.empty())
    return command.plan ? print_sweep_plans(command) : run_sweep(command, train_stages);
  const auto stages = train::read_train_config(command.config, command.overrides);
  if (command.plan) return print_plans(command, stages);
  return command.processes > 0 ? launch_ranks(command) : train_stages(command, stages);
}

}  // namespace

int run_train_command(int count, const char* const* arguments) {
  const auto parsed = parse_train_command(count, arguments);
  return parsed.exit_code ? print_leave(parsed) : run(parsed.command);
}

}  // namespace ccexpert::tools
