// ccexpert-data stats, validate, overlap and view.
#include <memory>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/option_group.h"
#include "common/progress.h"
#include "common/standard_streams.h"
#include "core/files.h"
#include "data/subcommand.h"
#include "datasets/shared/lists.h"
#include "datasets/shared/stats.h"
#include "datasets/shared/validate.h"
#include "datasets/shared/view.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

ProgressStyle style_of(bool quiet) {
  return quiet ? ProgressStyle::kNone : progress_style_of_stderr();
}

void add_image_root(CLI::App& app, fs::path& root) {
  app.set_help_flag("-h,--help", "print this help");
  OptionGroup(app).folder("--image-root", root, "folder that relative paths start at (the list's folder)");
}

enum class StatsFormat {
  kTable,
  kJson,
  kHtml,  ///< a page with plots and samples
};
constexpr auto names_of(StatsFormat) {
  return std::to_array<Name<StatsFormat>>(
      {{StatsFormat::kTable, "table"}, {StatsFormat::kJson, "json"}, {StatsFormat::kHtml, "html"}});
}

struct Stats {
  fs::path list;
  StatsFormat format = StatsFormat::kTable;
  fs::path output;
  datasets::StatsOptions options;
};

std::string text_of(const datasets::Stats& stats, const Stats& command) {
  switch (command.format) {
    case StatsFormat::kJson:
      return datasets::stats_json(stats);
    case StatsFormat::kHtml:
      return datasets::stats_html(stats, command.list.string());
    case StatsFormat::kTable:
      break;
  }
  return datasets::stats_table(stats);
}

int run(const Stats& command) {
  const auto stats = datasets::count_stats(command.list, command.options);
  write_result(command.output, text_of(stats, command));
  return kSuccess;
}

struct Validate {
  std::vector<fs::path> lists;
  fs::path output;
  int64_t shown = 50;
  bool quiet = false;
  datasets::ValidateOptions options;
};

/// Reporter of problems: the first ones to the terminal, all of them to a file.
class Problems {
 public:
  Problems(const Validate& command, Progress& progress) : command_(command), progress_(progress) {}

  void tell(const datasets::Problem& problem) {
    const auto text =
        problem.text.starts_with(problem.where) ? problem.text : problem.where + ": " + problem.text;
    const auto line = fmt::format("{}: {}", problem.kind, text);
    if (!command_.output.empty()) lines_ += line + "\n";
    if (++count_ <= command_.shown) progress_.note(line);
  }
  void finish() {
    progress_.finish();
    if (!command_.output.empty()) write_file(command_.output, lines_);
    if (count_ > command_.shown) {
      progress_.note(fmt::format("and {} more problems{}", with_commas(count_ - command_.shown),
                                 command_.output.empty() ? "; --report FILE lists all of them" : ""));
    }
  }

 private:
  const Validate& command_;
  Progress& progress_;
  std::string lines_;
  int64_t count_ = 0;
};

void print(const datasets::ValidateSummary& summary) {
  fmt::print("{} pairs, {} images opened\n", with_commas(summary.pairs), with_commas(summary.images));
  for (const auto& list : summary.held_out) fmt::print("held out: {}\n", list.string());
  for (const auto& list : summary.without_captions)
    fmt::print("no captions yet: {} (annotate --task describe writes them)\n", list.string());
  for (const auto& [kind, count] : summary.kinds) fmt::print("{:12}{:>10}\n", kind, with_commas(count));
}

int run(const Validate& command) {
  const Interrupt interrupt(kStopDeadline);
  Progress progress(0, "pairs", style_of(command.quiet));
  Problems problems(command, progress);
  const auto summary = datasets::validate(
      command.lists, command.options, [&](const datasets::Problem& problem) { problems.tell(problem); },
      [&](int64_t count) { progress.add(count); }, interrupt.token());
  problems.finish();
  print(summary);
  if (summary.interrupted) return kSignalBase + interrupt.signal();
  if (summary.kinds.empty()) fmt::print("no problems\n");
  return summary.kinds.empty() ? kSuccess : kSomeFailed;
}

struct Overlap {
  fs::path list;
  fs::path against;
  fs::path output;
  fs::path clean;
  bool overwrite = false;
  bool quiet = false;
  datasets::OverlapOptions options;
};

/// Throws Error for a folder, and for a pipe: --clean reads the list again.
void expect_readable_twice(const fs::path& list) {
  if (is_folder(list)) throw Error("--clean: expected one list to clean, got a folder");
  if (is_there(list) && !is_file(list)) throw Error("--clean: expected a file as list, got a pipe");
}

/// Writes the list without overlapping pairs and without pairs that could not be compared.
void write_clean(const Overlap& command, const datasets::OverlapReport& report) {
  std::set<std::string> uids(report.unreadable_uids.begin(), report.unreadable_uids.end());
  for (const auto& each : report.overlaps) uids.insert(each.uid);
  const datasets::ListOptions options{.image_root = command.options.image_root,
                                      .overwrite = command.overwrite};
  const auto left = datasets::leave_out(command.list, command.clean, uids, options);
  fmt::print("{} pairs without an overlap in {}\n", with_commas(left), command.clean.string());
}

int run(const Overlap& command) {
  const Interrupt interrupt(kStopDeadline);
  Progress progress(0, "pairs", style_of(command.quiet));
  const auto report = datasets::find_overlaps(
      command.list, command.against, command.options, [&](int64_t count) { progress.add(count); },
      interrupt.token());
  progress.finish();
  if (report.interrupted) return kSignalBase + interrupt.signal();
  if (!command.output.empty()) write_file(command.output, datasets::overlap_json(report));
  fmt::print("{} pairs compared with {}: {} overlaps, {} unreadable\n", with_commas(report.pairs),
             with_commas(report.other_pairs), with_commas(static_cast<int64_t>(report.overlaps.size())),
             with_commas(report.unreadable));
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(kShown, report.overlaps.size()); ++i) {
    const auto& each = report.overlaps[i];
    fmt::print("  {} (row {}, column {}) shows {} ({}, {} of 128 bits differ)\n", each.uid, each.top,
               each.left, each.other_uid, each.part, each.distance);
  }
  if (report.overlaps.size() > kShown) fmt::print("  and {} more\n", report.overlaps.size() - kShown);
  if (!command.clean.empty()) write_clean(command, report);
  if (report.unreadable == 0) return kSuccess;
  print_note(fmt::format(
      "ccexpert-data: {} pairs could not be read and were not compared{}", with_commas(report.unreadable),
      command.clean.empty() ? "" : "; those of the list are not in " + command.clean.string()));
  return kSomeFailed;
}

struct View {
  fs::path list;
  fs::path output;
  datasets::ViewOptions options;
};

int run(const View& command) {
  const auto sheet = datasets::contact_sheet(command.list, command.options);
  write_file(command.output, image::encode_png(sheet.view()));
  return kSuccess;
}

}  // namespace

Subcommand add_stats(CLI::App& app) {
  const auto command = std::make_shared<Stats>();
  auto* stats = app.add_subcommand("stats", "count pairs, captions, words and sizes");
  add_image_root(*stats, command->options.image_root);
  OptionGroup group(*stats);
  group.input("list", command->list, "list of the universal format, or data list (.yaml)");
  group.value("--format", command->format, "html: a page with plots and samples");
  group.output("-o,--out", command->output, "file to write (standard output)");
  add_off_flag(*stats, "--no-images", command->options.images, "do not open images for their sizes");
  group.fields(command->options);
  const auto check = [command] {
    if (command->list.empty()) throw Error("expected a list, got none");
    command->options.validate();
  };
  return {stats, check, [command] { return run(*command); }};
}

Subcommand add_validate(CLI::App& app) {
  const auto command = std::make_shared<Validate>();
  auto* validate =
      app.add_subcommand("validate", "check images, flags, captions, and that no test pair is in train");
  validate->footer(
      "Exit code 3: problems were found. Lists with a word test or val in their names are held out from the "
      "others.");
  add_image_root(*validate, command->options.image_root);
  OptionGroup group(*validate);
  validate->add_option("lists", command->lists, "lists, data lists (.yaml), or folders of convert")
      ->transform(input_file())
      ->type_name("PATH...");
  validate
      ->add_option("--held-out", command->options.held_out, "lists whose pairs must not occur in the others")
      ->type_name("PATH...");
  add_off_flag(*validate, "--no-images", command->options.images, "do not open images");
  add_off_flag(*validate, "--no-leaks", command->options.leaks, "do not search for held-out pairs");
  group.fields(command->options);
  group.named_output("--report", command->output, "file for all problems, one per line");
  group.value("--show", command->shown, "number of problems to print", at_least(0));
  group.flag("-q,--quiet", command->quiet, "no progress");
  const auto check = [command] {
    if (command->lists.empty()) throw Error("expected lists or a folder, got none");
    command->options.validate();
  };
  return {validate, check, [command] { return run(*command); }};
}

Subcommand add_overlap(CLI::App& app) {
  const auto command = std::make_shared<Overlap>();
  auto* overlap = app.add_subcommand("overlap", "report pairs that look like those of a test set");
  add_image_root(*overlap, command->options.image_root);
  overlap->footer("Exit code 3: some pairs could not be read.");
  OptionGroup group(*overlap);
  group.input("list", command->list, "list, data list (.yaml), or folder of convert", "PATH");
  group.input("--against", command->against, "list of the test set", "PATH");
  group.folder("--against-root", command->options.against_root, "folder that its relative paths start at");
  group.fields(command->options);
  group.named_output("-o,--out", command->output, "JSON file with every overlap");
  group.named_output("--clean", command->clean, "write a list of the pairs without an overlap");
  group.flag("--overwrite", command->overwrite, "replace an existing list of --clean");
  group.flag("-q,--quiet", command->quiet, "no progress");
  const auto check = [command] {
    if (command->list.empty()) throw Error("expected a list, got none");
    if (!command->clean.empty()) expect_readable_twice(command->list);
    if (command->against.empty()) throw Error("--against: expected the list of a test set, got none");
    command->options.validate();
  };
  return {overlap, check, [command] { return run(*command); }};
}

Subcommand add_view(CLI::App& app) {
  const auto command = std::make_shared<View>();
  auto* view = app.add_subcommand("view", "draw some pairs with their captions on one sheet");
  add_image_root(*view, command->options.image_root);
  OptionGroup group(*view);
  group.input("list", command->list, "list of the universal format, or data list (.yaml)");
  group.named_output("-o,--out", command->output, "PNG file to write");
  group.fields(command->options);
  group.text("--uid", command->options.uid, "show only this pair", "UID");
  const auto check = [command] {
    if (command->list.empty()) throw Error("expected a list, got none");
    if (command->output.empty()) throw Error("--out: expected a PNG file, got none");
    command->options.validate();
  };
  return {view, check, [command] { return run(*command); }};
}

}  // namespace ccexpert::tools
