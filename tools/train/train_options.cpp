#include "train/train_options.h"

#include <initializer_list>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/option_group.h"
#include "common/shard_size.h"
#include "versions/versions.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-train";

constexpr const char* kExamples = R"(Examples:
  ccexpert-train --config configs/ccexpert-0.5b.yaml --plan
  ccexpert-train --config configs/ccexpert-0.5b.yaml --nproc 8
  ccexpert-train --config stage3.yaml batch.micro=1 data.train=/data/levir-cc/train.json
  ccexpert-train --sweep configs/sweeps/ablations.yaml --nproc 8
  ccexpert-train --export runs/ccexpert-0.5b/stage3/best --to checkpoints/mine
  ccexpert-train --average runs/mine/checkpoints/step-1000 runs/mine/checkpoints/step-1500 -o checkpoints/soup
  ccexpert-train --vision siglip2-so400m-patch14-384 --decoder Qwen3-4B --to checkpoints/siglip2-qwen3-4b
  torchrun --nnodes 2 --nproc-per-node 8 --no-python ccexpert-train --config configs/ccexpert-7b.yaml

A run that is started again continues from its newest checkpoint. Ctrl-C and SIGTERM save one after the current
step; a second Ctrl-C ends the program at once.

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 some runs of a sweep failed, 130 and 143 interrupted.)";

void add_options(CLI::App& app, TrainCommand& command) {
  OptionGroup run(app, "Run"), plan(app, "Plan");
  run.input("-c,--config", command.config, "YAML file of one stage, or of several under stages:");
  run.input("--sweep", command.sweep, "YAML file of rows, each a config that is trained with several seeds");
  run.value("--row", command.row,
            "with --sweep: only this run of the list that --plan prints (default: all, or that of a Slurm "
            "array task)",
            at_least(1))
      ->default_str("");
  app.add_option("overrides", command.overrides, "values that replace those of the file, in every stage")
      ->type_name("KEY=VALUE")
      ->expected(0, -1)
      ->group("Run");
  run.value("--nproc", command.processes,
            "processes to start on this machine, one per GPU; without it, torchrun, srun and mpirun are "
            "recognised",
            in_range(1, 1024))
      ->default_str("");
  plan.flag("--plan", command.plan,
            "print sizes, memory, communication and steps of each stage; train nothing");
  plan.value("--ranks", command.plan_ranks, "with --plan: number of ranks (default: --nproc, or 1)",
             in_range(1, 1 << 20))
      ->default_str("");
}

void add_export_options(CLI::App& app, TrainCommand& command) {
  OptionGroup group(app, "Export");
  auto* from = group.folder("--export", command.export_from,
                            "write the model of this checkpoint, without the training state");
  group.folder("--to", command.export_to, "folder to write it to");
  group
      .folder("--adapter", command.export_adapter,
              "LoRA adapter in PEFT's format to merge into it; that of a checkpoint trained with lora: is "
              "merged without this")
      ->needs(from);
  group.value("--dtype", command.export_dtype, "precision of its weights",
              among(Precision::kBfloat16, Precision::kFloat16, Precision::kFloat32));
  group.value("--layout", command.export_layout,
              "lmms: for the authors' code or LLaVA's; llava-hf: for transformers, only without Diff Expert");
  group.value("--shard-mb", command.export_shard_mb, "largest size of one file of weights", kShardMegabytes)
      ->type_name("MB");
}

void add_compose_options(CLI::App& app, TrainCommand& command) {
  OptionGroup group(app, "Compose a base");
  group.folder("--vision", command.vision,
               "write a base of this SigLIP or SigLIP2 tower, a fresh projector and the model of --decoder");
  group.folder("--decoder", command.decoder, "Qwen2, Qwen2.5 or Qwen3 model with its tokenizer");
  group.value("--image-size", command.image_size, "side of the image, for a NaFlex tower only", at_least(0));
}

/// Refuses options of written files without a command that uses them.
void expect_writing(const CLI::App& app, const TrainCommand& command) {
  const bool exports = !command.export_from.empty(), composes = !command.vision.empty();
  const auto expect = [&](bool holds, const char* name, const char* problem) {
    if (!holds && app.count(name) > 0) throw Error(fmt::format("{}{}", name, problem));
  };
  expect(!composes, "--layout", ": expected without --vision, as a base has the layout of LLaVA's code");
  expect(exports, "--layout", " requires --export");
  for (const char* name : {"--dtype", "--shard-mb"})
    expect(exports || composes, name, " requires --export or --vision");
}

/// Refuses options that the command of `option` does not use.
void expect_only(const CLI::App& app, const char* option, std::initializer_list<const char*> others) {
  if (app.count(option) == 0) return;
  for (const char* name : others) {
    if (app.count(name) > 0) throw Error(fmt::format("{}: expected without {}", option, name));
  }
}

/// Refuses options that a command which trains nothing would ignore.
void expect_used(const CLI::App& app) {
  expect_only(app, "--vision", {"--output", "--row", "--ranks"});
  expect_only(app, "--export", {"--row", "--ranks"});
  expect_only(app, "--average", {"--to", "--row", "--ranks"});
}

void check_compose(const TrainCommand& command) {
  if (command.vision.empty() || command.decoder.empty() || command.export_to.empty())
    throw Error("compose: expected --vision, --decoder and --to together");
  const bool alone = command.config.empty() && command.sweep.empty() && command.export_from.empty() &&
                     command.average.empty() && !command.plan && command.processes == 0 &&
                     command.overrides.empty();
  if (!alone)
    throw Error(
        "--vision: expected without --config, --sweep, --export, --average, --plan, --nproc and KEY=VALUE");
}

void add_average_options(CLI::App& app, TrainCommand& command) {
  auto* from = app.add_option("--average", command.average,
                              "write the average of the weights of these checkpoints of one model")
                   ->type_name("DIR")
                   ->expected(1, -1)
                   ->group("Average");
  OptionGroup group(app, "Average");
  group.folder("-o,--output", command.average_to, "folder to write it to");
  app.add_option("--weights", command.average_weights,
                 "weight of each checkpoint (default: equal); they are divided by their sum")
      ->type_name("N,N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(fraction(at_least(0)))
      ->needs(from)
      ->group("Average");
}

void check_average(const TrainCommand& command) {
  if (command.average.empty() != command.average_to.empty())
    throw Error("average: expected --average and -o together");
  if (command.average.empty()) return;
  const bool alone = command.config.empty() && command.export_from.empty() && !command.plan &&
                     command.processes == 0 && command.overrides.empty();
  if (!alone) throw Error("--average: expected without --config, --export, --plan, --nproc and KEY=VALUE");
}

void check(const TrainCommand& command) {
  if (!command.vision.empty() || !command.decoder.empty()) return check_compose(command);
  if (command.image_size != 0) throw Error("--image-size requires --vision");
  if (!command.sweep.empty() && !command.average.empty()) throw Error("--sweep: expected without --average");
  check_average(command);
  if (!command.average.empty()) return;
  if (command.export_from.empty() != command.export_to.empty())
    throw Error("export: expected --export and --to together");
  if (!command.export_from.empty() && !command.config.empty())
    throw Error("--export: expected without --config");
  if (!command.sweep.empty() && !(command.config.empty() && command.export_from.empty()))
    throw Error("--sweep: expected without --config and --export");
  if (command.row > 0 && command.sweep.empty()) throw Error("--row: expected with --sweep");
  if (!command.export_from.empty()) {
    if (command.plan || command.processes > 0 || !command.overrides.empty())
      throw Error("--export: expected without --plan, --nproc and KEY=VALUE");
    return;
  }
  if (command.config.empty() && command.sweep.empty())
    throw Error("--config: expected a YAML file, got none");
  for (const auto& assignment : command.overrides) {
    if (assignment.find('=') == std::string::npos) {
      fail_expected({"arguments", "KEY=VALUE, for instance batch.micro=1", "'" + assignment + "'"});
    }
  }
  if (command.plan_ranks > 0 && !command.plan) throw Error("--ranks: expected with --plan");
}

}  // namespace

ParsedTrainCommand parse_train_command(int count, const char* const* arguments) {
  ParsedTrainCommand parsed;
  CommonOptions common{.version_text = version_text};
  CLI::App app("Trains CCExpert: one stage, or several in sequence.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_options(app, parsed.command);
  add_export_options(app, parsed.command);
  add_average_options(app, parsed.command);
  add_compose_options(app, parsed.command);
  app.add_flag("-q,--quiet", parsed.command.quiet, "only warnings and errors on standard error")
      ->group("Other");
  add_common_options(app, common);
  static_cast<Leave&>(parsed) = parse_command_line(app, count, arguments, common, [&] {
    expect_writing(app, parsed.command);
    check(parsed.command);
    expect_used(app);
  });
  return parsed;
}

}  // namespace ccexpert::tools
