// ccexpert-data convert.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/option_group.h"
#include "common/progress.h"
#include "common/standard_streams.h"
#include "data/subcommand.h"
#include "datasets/shared/convert.h"

namespace ccexpert::tools {
namespace {

using datasets::ConvertOptions;
using datasets::ConvertSummary;

struct Command {
  ConvertOptions options;
  bool list = false;
  bool quiet = false;
};

std::string source_table() {
  size_t width = 0;
  for (const auto& source : datasets::sources()) width = std::max(width, source.name.size());
  auto text = std::string("Sources, in the order in which auto tries them:\n");
  for (const auto& source : datasets::sources()) {
    text += fmt::format("  {:{}}  {}: {}\n", source.name, width, source.title, source.layout);
  }
  return text;
}

void add_folder_options(OptionGroup& group, ConvertOptions& options) {
  group.text("--before", options.before_folder, "folder of before images, within DIR (found by name)",
             "NAME");
  group.text("--after", options.after_folder, "folder of after images, within DIR", "NAME");
  group.input("--captions-csv", options.captions_csv, "CSV with name and caption (DIR/captions.csv)");
}

void add_options(CLI::App& app, Command& command) {
  auto& options = command.options;
  OptionGroup group(app);
  app.set_help_flag("-h,--help", "print this help");
  group.text("source", options.source, "auto, or a name from --list", "SOURCE");
  group.folder("dir", options.input, "folder with the data set as published by its authors");
  group.folder("-o,--out", options.output, "folder for train.json, val.json, test.json");
  group.flag("--list", command.list, "print the sources and the files by which they are recognised");
  group.fields(options);
  add_off_flag(app, "--no-image-checks", options.check_images, "do not check that image files exist");
  add_folder_options(group, options);
  add_off_flag(app, "--no-crops", options.crops.enabled, "keep whole pairs if only masks are known");
  group.fields(options.crops);
  group.flag("-q,--quiet", command.quiet, "print no progress and no table");
}

void check(const Command& command) {
  if (command.list) return;
  if (command.options.input.empty())
    throw Error("expected a source and a folder, as in: convert auto DIR -o OUT");
  if (command.options.output.empty()) throw Error("--out: expected a folder, got none");
  command.options.validate();
}

void print(const ConvertSummary& summary) {
  fmt::print("{}\n{:8}{:>10}{:>12}{:>10}{:>11}\n", summary.source, "", "pairs", "captions", "changed",
             "unchanged");
  for (const auto* name : {"train", "val", "test"}) {
    const auto found = summary.splits.find(name);
    if (found == summary.splits.end()) continue;
    const auto& counts = found->second;
    fmt::print("{:8}{:>10}{:>12}{:>10}{:>11}\n", name, with_commas(counts.pairs),
               with_commas(counts.captions), with_commas(counts.changed), with_commas(counts.unchanged));
  }
  if (summary.merged > 0)
    fmt::print("{} entries merged into earlier entries of the same pair\n", with_commas(summary.merged));
  if (summary.passed_over > 0)
    fmt::print("{} entries are not pairs to caption\n", with_commas(summary.passed_over));
  if (summary.blank_captions > 0)
    fmt::print("{} blank captions dropped\n", with_commas(summary.blank_captions));
}

int run(const Command& command) {
  if (command.list) {
    fmt::print("{}", source_table());
    return kSuccess;
  }
  const Interrupt interrupt(kStopDeadline);
  Progress progress(0, "entries", command.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
  const auto summary = datasets::convert(
      command.options, [&](int64_t count) { progress.add(count); }, interrupt.token());
  if (summary.interrupted) {
    progress.note("ccexpert-data: interrupted; no list was written");
    return kSignalBase + interrupt.signal();
  }
  progress.finish();
  if (!command.quiet) print(summary);
  if (summary.left_out == 0) return kSuccess;
  print_note(fmt::format("ccexpert-data: {} entries were left out, see {}", with_commas(summary.left_out),
                         (command.options.output / "left-out.jsonl").string()));
  return kSomeFailed;
}

}  // namespace

Subcommand add_convert(CLI::App& app) {
  const auto command = std::make_shared<Command>();
  auto* convert = app.add_subcommand("convert", "convert a data set to the universal format");
  convert->footer(
      "Images stay where they are. Exit code 3: done, but --on-error skip left entries out.\n"
      "Input and output of each source: docs/data.md.");
  add_options(*convert, *command);
  return {convert, [command] { check(*command); }, [command] { return run(*command); }};
}

void add_off_flag(CLI::App& app, const std::string& name, bool& value, const std::string& help) {
  app.add_flag_callback(
      name, [&value] { value = false; }, help);
}

std::string with_commas(int64_t number) {
  const auto digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool comma = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (comma) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace ccexpert::tools
