// ccexpert-data merge, split, sample and mix.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/option_group.h"
#include "data/subcommand.h"
#include "datasets/shared/lists.h"
#include "datasets/shared/mix.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

void add_list_options(CLI::App& app, datasets::ListOptions& options) {
  app.set_help_flag("-h,--help", "print this help");
  OptionGroup group(app);
  group.folder("--image-root", options.image_root, "folder that relative paths start at (the list's folder)");
  group.fields(options);
  app.add_flag_callback(
      "--absolute-paths", [&options] { options.paths = datasets::PathStyle::kAbsolute; },
      "write absolute paths instead of paths relative to the written file");
}

void expect_output(const fs::path& output) {
  if (output.empty()) throw Error("--out: expected a path, got none");
}

void expect_list(const fs::path& list) {
  if (list.empty()) throw Error("expected a list of the universal format, got none");
}

struct Merge {
  std::vector<fs::path> lists;
  fs::path output;
  datasets::ListOptions options;
};

int run(const Merge& command) {
  const auto summary = datasets::merge_lists(command.lists, command.output, command.options);
  fmt::print("{} pairs, {} captions", with_commas(summary.pairs), with_commas(summary.captions));
  if (summary.merged > 0)
    fmt::print("; {} entries merged into earlier entries of the same pair", with_commas(summary.merged));
  if (summary.renamed > 0) fmt::print("; {} uids prefixed with their folders", with_commas(summary.renamed));
  fmt::print("\n");
  return kSuccess;
}

struct Split {
  fs::path list;
  fs::path output;
  std::vector<double> shares{0.8, 0.1, 0.1};
  datasets::SplitOptions options;
};

int run(Split command) {
  std::copy(command.shares.begin(), command.shares.end(), command.options.shares.begin());
  const auto counts = datasets::split_list(command.list, command.output, command.options);
  fmt::print("train {}, val {}, test {}\n", with_commas(counts[0]), with_commas(counts[1]),
             with_commas(counts[2]));
  return kSuccess;
}

struct RandomSample {
  fs::path list;
  fs::path output;
  datasets::SampleOptions options;
};

int run(const RandomSample& command) {
  fmt::print("{} pairs\n", with_commas(datasets::sample_list(command.list, command.output, command.options)));
  return kSuccess;
}

struct Mix {
  fs::path recipe;
  fs::path output;
  datasets::MixOptions options;
};

int run(const Mix& command) {
  int64_t pairs = 0, visits = 0, captions = 0;
  const auto parts = datasets::mix(command.recipe, command.output, command.options);
  fmt::print("{:40}{:>10}{:>12}{:>8}{:>12}\n", "", "pairs", "captions", "repeat", "per epoch");
  for (const auto& part : parts) {
    if (part.missing) {
      fmt::print("{:40}{:>10}\n", part.json_path, "missing");
      continue;
    }
    fmt::print("{:40}{:>10}{:>12}{:>8}{:>12}\n", part.json_path, with_commas(part.pairs),
               with_commas(part.captions), part.repeat, with_commas(part.pairs * part.repeat));
    pairs += part.pairs;
    visits += part.pairs * part.repeat;
    captions += part.captions;
  }
  fmt::print("{:40}{:>10}{:>12}{:>8}{:>12}\n", "all", with_commas(pairs), with_commas(captions), "",
             with_commas(visits));
  return kSuccess;
}

}  // namespace

Subcommand add_merge(CLI::App& app) {
  const auto command = std::make_shared<Merge>();
  auto* merge = app.add_subcommand("merge", "put several lists into one");
  merge->footer("Repeated pairs are merged into one with the captions of both.");
  merge->add_option("lists", command->lists, "lists of the universal format")
      ->transform(input_file())
      ->type_name("FILE...");
  merge->add_option("-o,--out", command->output, "file to write (.json or .jsonl)")
      ->check(named_output())
      ->type_name("FILE");
  add_list_options(*merge, command->options);
  const auto check = [command] {
    if (command->lists.empty()) throw Error("expected lists of the universal format, got none");
    expect_output(command->output);
  };
  return {merge, check, [command] { return run(*command); }};
}

Subcommand add_split(CLI::App& app) {
  const auto command = std::make_shared<Split>();
  auto* split = app.add_subcommand("split", "split a list into train, val and test");
  OptionGroup group(*split);
  group.input("list", command->list, "list of the universal format");
  group.folder("-o,--out", command->output, "folder for the three lists");
  split->add_option("--shares", command->shares, "shares of train, val and test")
      ->delimiter(',')
      ->expected(3)
      ->default_str("0.8,0.1,0.1")
      ->type_name("A,B,C");
  group.text("--group", command->options.group,
             "regular expression; uids with the same first group stay together", "REGEX");
  group.fields(command->options);
  add_list_options(*split, command->options.lists);
  const auto check = [command] {
    expect_list(command->list);
    expect_output(command->output);
  };
  return {split, check, [command] { return run(*command); }};
}

Subcommand add_sample(CLI::App& app) {
  const auto command = std::make_shared<RandomSample>();
  auto* sample = app.add_subcommand("sample", "draw a random sample of a list");
  OptionGroup group(*sample);
  group.input("list", command->list, "list of the universal format");
  group.named_output("-o,--out", command->output, "file to write (.json or .jsonl)");
  group.fields(command->options);
  add_list_options(*sample, command->options.lists);
  const auto check = [command] {
    expect_list(command->list);
    expect_output(command->output);
  };
  return {sample, check, [command] { return run(*command); }};
}

Subcommand add_mix(CLI::App& app) {
  const auto command = std::make_shared<Mix>();
  auto* mix = app.add_subcommand("mix", "write a data list for training from a recipe and the files on disk");
  mix->footer(
      "configs/data/cc_foundation.yaml is the paper's recipe, cc_foundation_released.yaml the authors' "
      "released one.");
  mix->set_help_flag("-h,--help", "print this help");
  OptionGroup group(*mix);
  group.input("recipe", command->recipe, "data list whose json_path are relative to --root");
  group.named_output("-o,--out", command->output, "data list to write (.yaml)");
  group.folder("--root", command->options.root, "folder with the converted sets (the recipe's folder)");
  mix->add_option("--repeat", command->options.repeats,
                  "visits per epoch of the sets with NAME in their path")
      ->type_name("NAME=N...");
  group.fields(command->options);
  const auto check = [command] {
    if (command->recipe.empty()) throw Error("expected a recipe, such as configs/data/cc_foundation.yaml");
    expect_output(command->output);
  };
  return {mix, check, [command] { return run(*command); }};
}

}  // namespace ccexpert::tools
