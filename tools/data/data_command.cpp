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
#include "versions/versions.h"

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

}  // namespace

int run_data_command(int count, const char* const* arguments) {
  SynthCommand synth;
  VocabularyCommand vocabulary;
  CommonOptions common{.version_text = version_text};
  CLI::App app("Makes and examines data sets of image pairs with captions of change.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_common_options(app, common);
  app.require_subcommand(0, 1);
  auto* make = app.add_subcommand("synth", "write made-up pairs whose changes are known exactly");
  make->footer(kSynthFooter);
  add_synth_options(*make, synth);
  auto* learn = app.add_subcommand("vocabulary", "learn a byte-level BPE vocabulary from captions");
  add_vocabulary_options(*learn, vocabulary);
  const auto leave = parse_command_line(app, count, arguments, common, [&] {
    if (app.get_subcommands().empty()) throw Error("expected a command, synth or vocabulary");
    if (make->parsed()) check(synth);
    if (learn->parsed()) check(vocabulary);
  });
  if (leave.exit_code) {
    (*leave.exit_code == kSuccess ? std::cout : std::cerr) << leave.text << "\n";
    return *leave.exit_code;
  }
  return guarded([&] { return make->parsed() ? run_synth(synth) : run_vocabulary(vocabulary); });
}

}  // namespace ccexpert::tools
