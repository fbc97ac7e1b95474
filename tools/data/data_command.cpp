#include "data/data_command.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "data/subcommand.h"
#include "data/synth_run.h"
#include "data/vocabulary_run.h"
#include "versions/versions.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-data";

constexpr const char* kExamples = R"(Examples:
  ccexpert-data convert auto LEVIR-CC -o data/levir-cc
  ccexpert-data mix configs/data/cc_foundation.yaml --root data -o data/cc-foundation.yaml
  ccexpert-data validate data/levir-cc
  ccexpert-data stats data/cc-foundation.yaml --format html -o cc-foundation.html
  ccexpert-data synth --out data/synth --pairs 20000 --seed 1
  ccexpert-data synth --out data/synth-test --pairs 500 --seed 2 --train-share 0 --val-share 0 --test-share 1
  ccexpert-data vocabulary --data data/synth/train.json --size 1024 --out tokenizer

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 done with problems, 130 and 143 interrupted.)";

constexpr const char* kSynthFooter =
    R"(Writes images/{A,B}, masks, classes/{A,B}, train.json, val.json, test.json and dataset.json. The same command
continues an interrupted run, and with more --pairs adds to a folder.)";

Subcommand add_synth(CLI::App& app) {
  const auto command = std::make_shared<SynthCommand>();
  auto* synth = app.add_subcommand("synth", "write synthetic pairs with exactly known changes");
  synth->footer(kSynthFooter);
  add_synth_options(*synth, *command);
  return {synth, [command] { check(*command); }, [command] { return run_synth(*command); }};
}

Subcommand add_vocabulary(CLI::App& app) {
  const auto command = std::make_shared<VocabularyCommand>();
  auto* vocabulary = app.add_subcommand("vocabulary", "learn a byte-level BPE vocabulary from captions");
  add_vocabulary_options(*vocabulary, *command);
  return {vocabulary, [command] { check(*command); }, [command] { return run_vocabulary(*command); }};
}

std::vector<Subcommand> add_subcommands(CLI::App& app) {
  return {add_convert(app), add_annotate(app),   add_mix(app),           add_stats(app), add_validate(app),
          add_overlap(app), add_split(app),      add_sample(app),        add_merge(app), add_view(app),
          add_synth(app),   add_vocabulary(app), add_merge_minigpt4(app)};
}

/// Returns the named command, or null.
const Subcommand* named(const std::vector<Subcommand>& commands) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [](const Subcommand& command) { return command.app->parsed(); });
  return found == commands.end() ? nullptr : &*found;
}

std::string names_of(const std::vector<Subcommand>& commands) {
  std::string names;
  for (const auto& command : commands) names += (names.empty() ? "" : ", ") + command.app->get_name();
  return names;
}

}  // namespace

int run_data_command(int count, const char* const* arguments) {
  CommonOptions common{.version_text = version_text};
  CLI::App app("Makes and examines data sets of image pairs with captions of change.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_common_options(app, common);
  app.require_subcommand(0, 1);
  const auto commands = add_subcommands(app);
  const auto leave = parse_command_line(app, count, arguments, common, [&] {
    const auto* command = named(commands);
    if (command == nullptr) throw Error("expected a command: " + names_of(commands));
    command->check();
  });
  return leave.exit_code ? print_leave(leave) : named(commands)->run();
}

}  // namespace ccexpert::tools
