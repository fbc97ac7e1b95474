#include "data/synth_run.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/option_group.h"
#include "common/progress.h"

namespace ccexpert::tools {

void add_synth_options(CLI::App& app, SynthCommand& command) {
  app.set_help_flag("-h,--help", "print this help");
  app.add_option("-o,--out", command.out, "folder to write: new, empty, or started by the same command")
      ->type_name("DIR");
  OptionGroup group(app);
  group.fields(command.options);
  app.add_flag("-q,--quiet", command.quiet, "print no progress");
}

void check(const SynthCommand& command) {
  if (command.out.empty()) throw Error("--out: expected a folder to write");
  command.options.validate();
}

int run_synth(const SynthCommand& command) {
  const Interrupt interrupt(kStopDeadline);
  Progress progress(command.options.pairs, "pairs",
                    command.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
  const auto summary = synth::write_dataset(
      command.out, command.options, [&](int64_t count) { progress.add(count); }, interrupt.token());
  if (!summary.interrupted) return kSuccess;
  if (!command.quiet) {
    progress.note(
        fmt::format("ccexpert-data: interrupted after {} of {} pairs; the same command continues from there",
                    summary.written + summary.found, command.options.pairs));
  }
  return kSignalBase + interrupt.signal();
}

}  // namespace ccexpert::tools
