#include "data/data_command.h"

#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "data/synth_run.h"
#include "data/vocabulary_run.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-data";

constexpr const char* kExamples = R"(Examples:
  ccexpert-data synth --out data/synth --pairs 20000 --seed 1
  ccexpert-data synth --out data/synth-test --pairs 500 --seed 2 --train-share 0 --val-share 0 --test-share 1
  ccexpert-data vocabulary --data data/synth/train.json --size 1024 --out tokenizer

Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 and 143 interrupted.)";

constexpr const char* kSynthFooter =
    R"(Writes images/{A,B}, masks, classes/{A,B}, train.json, val.json, test.json and dataset.json. The same command
goes on with what an interrupted one left, and with more --pairs adds to a folder.)";

int guarded(const std::function<int()>& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    std::cerr << kName << ": " << error.what() << "\n";
    return kFailed;
  }
}

int refuse(std::string_view problem) {
  std::cerr << fmt::format("{}: {}\nSee {} --help.\n", kName, problem, kName);
  return kUsage;
}

/// Unknown options are told from the command that was named.
const CLI::App& chosen(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

/// The script knows options, not commands: it offers those of all commands.
std::string completion() {
  SynthCommand synth;
  CLI::App all("", kName);
  add_synth_options(all, synth);
  return bash_completion(all);
}

}  // namespace

int run_data_command(int count, const char* const* arguments) {
  SynthCommand synth;
  VocabularyCommand vocabulary;
  std::string shell;
  bool version = false;
  CLI::App app("Makes and examines data sets of image pairs with captions of change.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  app.set_help_flag("-h,--help", "this text");
  app.add_flag("--version", version, "versions of this program and LibTorch, CPU features, GPU");
  app.add_option("--completion", shell, "print the completion script of a shell")
      ->check(CLI::IsMember({"bash"}))
      ->type_name("NAME");
  app.require_subcommand(0, 1);
  auto* command = app.add_subcommand("synth", "write made-up pairs whose changes are known exactly");
  command->footer(kSynthFooter);
  add_synth_options(*command, synth);
  auto* learn = app.add_subcommand("vocabulary", "learn a byte-level BPE vocabulary from captions");
  add_vocabulary_options(*learn, vocabulary);
  try {
    app.parse(count, arguments);
    if (command->parsed()) check(synth);
    if (learn->parsed()) check(vocabulary);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help() << "\n";
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    return refuse(usage_error(chosen(app), error));
  } catch (const Error& error) {
    return refuse(error.what());
  }
  if (version || !shell.empty()) {
    std::cout << (version ? version_text(kName) : completion()) << "\n";
    return kSuccess;
  }
  if (command->parsed()) return guarded([&] { return run_synth(synth); });
  if (learn->parsed()) return guarded([&] { return run_vocabulary(vocabulary); });
  return refuse("expected a command, as synth");
}

}  // namespace ccexpert::tools
