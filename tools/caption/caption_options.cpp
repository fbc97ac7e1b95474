#include "caption/caption_options.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "caption/model_options.h"
#include "common/option_group.h"
#include "eval/shared/caption_scorer.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "ccexpert-caption";

constexpr const char* kExamples = R"(Examples:
  ccexpert-caption before.png after.png
  ccexpert-caption --model checkpoints/ccexpert-0.5b before.png after.png
  ccexpert-caption --model MODEL --pairs test.jsonl --format jsonl --output captions.jsonl
  ccexpert-caption --model MODEL --before 2018/ --after 2023/ --format csv --output changes.csv
  ccexpert-caption --model MODEL --pairs test.jsonl --format jsonl --output captions.jsonl --resume
  ccexpert-caption --model MODEL --pairs test.jsonl --format jsonl --output captions.jsonl --report page.html
  ccexpert-caption --model MODEL --series places/ --format jsonl --output timeline.jsonl --report page.html
  ccexpert-caption --model MODEL --pairs test.jsonl --format jsonl --locate --polygons --overlay heat/
  ccexpert-caption --model MODEL --mbr 16 before.png after.png
  ccexpert-caption --model MODEL --nproc 4 before.png after.png
  ccexpert-caption --model configs/bases/llava-onevision-qwen2-72b-ov --nproc 4 --plan
  ccexpert-caption --model MODEL --prompt "Did a road change?" before.png after.png
  ccexpert-caption --model MODEL --prompt "Is a house new?" --prompt "Is a road new?" before.png after.png

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 some pairs failed, 130 and 143 interrupted.)";

void add_model_options(CLI::App& app, CaptionCommand& command) {
  OptionGroup group(app, "Model");
  add_model_folder(group, command.model);
  auto* adapter = group.folder("--adapter", command.captioner.adapter,
                               "LoRA adapter of the model in PEFT's format (adapter_config.json and "
                               "adapter_model.safetensors); added to the weights at load");
  group.flag("--adapter-apart", command.adapter_apart, "keep the adapter apart from the weights")
      ->needs(adapter);
  add_device_options(group, command.captioner);
  group
      .value(kProcessesOption, command.processes,
             "processes to start on this machine that share the decoder, one per GPU; without it, torchrun, "
             "srun and mpirun are recognised",
             in_range(1, 1024))
      ->default_str("");
  group.flag(
      "--plan", command.plan,
      "print the memory of a rank, with --nproc ranks, and on how many GPUs the model fits; needs only "
      "config.json, and captions nothing");
  group.value("--feature-cache", command.captioner.feature_cache,
              "bytes for the features of images that occur again (0: none)", at_least(0));
}

void add_input_options(CLI::App& app, CaptionCommand& command) {
  OptionGroup group(app, "Input");
  app.add_option("images", command.images, "one pair: the earlier and the later image")
      ->type_name("BEFORE AFTER")
      ->expected(1, -1)
      ->group("Input");
  group.input("--pairs", command.pairs, "list of pairs: JSON Lines, JSON or CSV with before, after and uid");
  group.input("--series", command.series,
              "images of a place at several dates: a folder sorted by name, a folder of such folders, or a "
              "list (image, and place and date if there are any)",
              "DIR|LIST");
  group.folder(
      "--image-root", command.image_root,
      "folder that relative paths of --pairs and of the list of --series start at (the list's folder)");
  group.folder("--before", command.before_folder,
               "folder of earlier images, paired with --after by file name");
  group.folder("--after", command.after_folder, "folder of later images");
}

void add_output_options(CLI::App& app, CaptionCommand& command) {
  OptionGroup group(app, "Output");
  group.value("-f,--format", command.format, "text: the caption, after its uid if there are several pairs");
  group.output("-o,--output", command.output, "file to write (standard output)");
  group.flag("--resume", command.resume, "continue the output file: skip pairs with a caption in it");
  group.flag("--overwrite", command.overwrite, "replace the output file");
  group.flag("--stream", command.stream, "print the caption of one pair while it is generated");
  group.flag("-q,--quiet", command.quiet, "print no progress, and no warnings but those of damaged images");
  group.flag("--timings", command.timings, "print the time of each stage to standard error");
  group.named_output("--report", command.report,
                     "also write a page of the images with captions, filter and search: one file that any "
                     "browser opens");
  group.named_output("--timings-file", command.timings_file, "write the timings as JSON");
}

void add_place_options(CLI::App& app, PlaceOptions& places) {
  OptionGroup group(app, "Place of the change");
  group.flag("--locate", places.locate,
             "add change_score and change_map to each line: strength and place of the change");
  group.flag("--words", places.words, "add words to each line: the place of each word of the caption");
  group.flag("--check-swap", places.check_swap,
             "add unsure to each line: true if the caption and score, those of the swapped images and those "
             "of an image against itself disagree; takes three times as long");
  auto* polygons = group.flag("--polygons", places.polygons,
                              "add polygons to each line: outlines of the changed area in pixels of AFTER");
  group
      .value("--change-threshold", places.change_threshold,
             "smallest value of the changed area (the model's, else 0.5)", in_range(open(0), 1))
      ->needs(polygons);
  group
      .value("--simplify", places.simplify, "largest deviation of a simplified outline in pixels (0: none)",
             in_range(0, 1000))
      ->needs(polygons);
  group.folder("--overlay", places.overlay, "folder for AFTER under the colours of its map, UID.png");
  group.folder("--maps", places.maps, "folder for the maps as float32 arrays, UID.npy");
}

/// The names are those of ccexpert-eval.
void add_evaluation_options(CLI::App& app, CaptionCommand& command) {
  OptionGroup group(app, "Evaluation");
  group.input("--evaluate", command.evaluate,
              "then score the output against these references with ccexpert-eval", "REFERENCES");
  group.text("--split", command.evaluation_split, "split of the references (all: every split)", "NAME")
      ->capture_default_str();
  group.value("--tokenizer", command.evaluation_tokenizer,
              "tokenizer of the scores: reference as in CCExpert, ptb as in COCO");
  group.folder("--meteor-data", command.meteor_data,
               "folder of METEOR's tables (default: installed by scripts/setup.sh)");
  group.flag("--no-meteor", command.no_meteor, "leave METEOR out of the scores");
}

void add_generation_options(CLI::App& app, CaptionCommand& command) {
  OptionGroup group(app, "Generation");
  group
      .repeated("-p,--prompt", command.prompts,
                "own question, with <image> twice, <image1> and <image2>, or neither (default: the "
                "checkpoint's, else the reference's); several for one pair: an answer to each, a line each",
                "TEXT")
      ->check(some_text());
  group.value("--prompt-style", command.prompt_style,
              "ask the standard question in the wording of the released code or of the paper");
  add_decoding_options(group, command.generation, true);
  group.value("-b,--batch-size", command.batch_size, "pairs in flight at once; captions do not depend on it",
              in_range(1, 4096));
  group.value("--keep-tokens", command.keep_tokens,
              "share of the image tokens that the decoder sees, those of patches that changed most",
              in_range(open(0), 1));
  auto* drafted = group.value(
      "--draft-tokens", command.draft_tokens,
      "greedy decoding: guess this many tokens by the run's captions and check them in one pass (0: "
      "off)",
      in_range(0, generate::kMostDraftTokens));
  group
      .input("--draft", command.draft, "also guess by the captions of this file, of any layout of references")
      ->needs(drafted);
}

int inputs(const CaptionCommand& command) {
  return static_cast<int>(command.single_pair()) + static_cast<int>(!command.pairs.empty()) +
         static_cast<int>(!command.series.empty()) +
         static_cast<int>(!command.before_folder.empty() || !command.after_folder.empty());
}

/// True if both name one file, also one that does not exist yet; false if one is empty.
bool are_same(const fs::path& first, const fs::path& second) {
  std::error_code code;
  if (first.empty() || second.empty()) return false;
  return fs::equivalent(first, second, code) ||
         fs::absolute(first, code).lexically_normal() == fs::absolute(second, code).lexically_normal();
}

void check_input(const CaptionCommand& command) {
  if (command.plan) {
    expect(inputs(command) == 0 && command.output.empty(), "--plan: expected without images and --output");
    expect(command.report.empty(), "--plan: expected without --report");
    return;
  }
  expect(command.images.empty() || command.images.size() == 2,
         "input: expected two images, BEFORE AFTER, got " + std::to_string(command.images.size()));
  expect(
      inputs(command) == 1,
      "input: expected one of BEFORE AFTER, --pairs FILE, --series DIR, or --before DIR --after DIR, got " +
          std::string(inputs(command) == 0 ? "none" : "several"));
  expect(command.before_folder.empty() == command.after_folder.empty(),
         "input: expected --before and --after together");
  expect(command.before_folder.empty() || !are_same(command.before_folder, command.after_folder),
         "--after: expected a folder other than --before, got the same");
  expect(!are_same(command.pairs, command.output),
         "--output: expected a file other than --pairs, got the same");
  expect(!are_same(command.series, command.output),
         "--output: expected a file other than --series, got the same");
  expect(command.image_root.empty() || !command.pairs.empty() || !command.series.empty(),
         "--image-root: expected with --pairs or with a list of --series");
}

void check_report(const CaptionCommand& command) {
  if (command.report.empty()) return;
  for (const auto& [file, option] :
       {std::pair(command.output, "--output"), std::pair(command.pairs, "--pairs"),
        std::pair(command.series, "--series"), std::pair(command.timings_file, "--timings-file")}) {
    expect(!are_same(command.report, file),
           fmt::format("--report: expected a file other than {}, got the same", option));
  }
  expect(command.prompts.size() < 2,
         "--report: expected with one --prompt at most, got " + std::to_string(command.prompts.size()));
}

void check_series(const CaptionCommand& command) {
  if (command.series.empty()) return;
  expect(command.format != data::PredictionFormat::kCsv,
         "--series: expected --format text or jsonl, got csv");
  expect(command.evaluate.empty(), "--evaluate: expected without --series");
}

void check_output(const CaptionCommand& command) {
  const bool is_text = command.format == data::PredictionFormat::kText;
  expect(!(command.resume && command.overwrite), "output: expected --resume or --overwrite, got both");
  expect(!command.resume || !command.output.empty(), "--resume: expected with --output FILE");
  expect(!command.resume || !is_text, "--resume: expected --format jsonl or csv, got text");
  expect(!command.stream || (command.single_pair() && is_text && command.output.empty()),
         "--stream: expected with one pair, as text, to standard output");
  const auto beams = command.generation.beams.value_or(1);
  expect(!command.stream || beams == 1, "--stream: expected --beams 1, got " + std::to_string(beams));
  expect(!command.stream || command.generation.mbr == 0,
         "--stream: expected without --mbr, got --mbr " + std::to_string(command.generation.mbr));
}

void check_evaluation(const CaptionCommand& command) {
  const bool has_lines = command.format == data::PredictionFormat::kJsonLines && !command.output.empty();
  expect(command.evaluate.empty() || (!command.single_pair() && has_lines),
         "--evaluate: expected with many pairs, --format jsonl and --output FILE");
  const CaptionCommand defaults;
  const bool reads_meteor = !command.evaluate.empty() ||
                            (command.generation.mbr > 0 && eval::needs_meteor(command.generation.mbr_metric));
  expect(!command.evaluate.empty() || (command.evaluation_split == defaults.evaluation_split &&
                                       command.evaluation_tokenizer == defaults.evaluation_tokenizer &&
                                       (command.meteor_data.empty() || reads_meteor)),
         "--split, --tokenizer, --meteor-data: expected with --evaluate");
  expect(!command.no_meteor || !command.evaluate.empty(), "--no-meteor: expected with --evaluate");
}

void check_questions(CaptionCommand& command) {
  const auto& prompts = command.prompts;
  for (const auto& prompt : prompts) text::complete_question(prompt);
  const bool to_lines = command.format == data::PredictionFormat::kText && command.output.empty();
  expect(prompts.size() < 2 || (command.single_pair() && to_lines),
         "--prompt: expected one, or several with one pair, as text, to standard output, got " +
             std::to_string(prompts.size()));
  expect(prompts.size() < 2 || command.prompt_style == text::PromptStyle::kUnset,
         "--prompt-style: expected without several --prompt");
  command.prompt = text::chosen_question(prompts.size() == 1 ? prompts.front() : "", command.prompt_style);
}

void check_drafts(const CaptionCommand& command) {
  const auto& asked = command.generation;
  expect(command.draft_tokens == 0 || (asked.beams.value_or(1) == 1 && !asked.samples()),
         "--draft-tokens: expected with greedy decoding, without --beams, sampling and --mbr");
  expect(command.draft.empty() || command.draft_tokens > 0,
         "--draft: expected with --draft-tokens of at least 1, got 0");
}

void check_places(const CaptionCommand& command) {
  const auto& places = command.places;
  expect(!places.need_lines() || command.format == data::PredictionFormat::kJsonLines ||
             (!places.polygons && !command.report.empty()),
         "--locate, --words, --check-swap, --polygons: expected with --format jsonl, or but for --polygons "
         "with --report");
  expect(command.prompts.size() < 2 || !(places.need_lines() || places.need_map()),
         "--overlay, --maps: expected without several --prompt");
}

/// Checks the options together. Throws Error.
void check(CaptionCommand& command) {
  if (is_standard_output(command.output)) command.output.clear();
  check_input(command);
  check_output(command);
  check_report(command);
  check_series(command);
  check_evaluation(command);
  use_demo_model(command.model);
  command.captioner.merge_adapter = !command.adapter_apart;
  command.generation.validate();
  check_questions(command);
  check_drafts(command);
  check_places(command);
}

/// Usage text: CLI11 knows single options but not their combinations.
class CaptionHelp : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return fmt::format(
        "Usage: {0} [OPTIONS] BEFORE AFTER\n"
        "       {0} [OPTIONS] --pairs FILE\n"
        "       {0} [OPTIONS] --before DIR --after DIR\n"
        "       {0} [OPTIONS] --series DIR|LIST\n"
        "       {0} [OPTIONS] --plan\n",
        kName);
  }
};

}  // namespace

ParsedCaptionCommand parse_caption_command(int count, const char* const* arguments,
                                           std::string (*version)(const std::string&)) {
  ParsedCaptionCommand parsed;
  CommonOptions common{.version_text = version};
  CLI::App app("Describes in words what changed between two images of one place (CCExpert).", kName);
  app.formatter(std::make_shared<CaptionHelp>());
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_model_options(app, parsed.command);
  add_input_options(app, parsed.command);
  add_output_options(app, parsed.command);
  add_place_options(app, parsed.command.places);
  add_evaluation_options(app, parsed.command);
  add_generation_options(app, parsed.command);
  add_common_options(app, common);
  static_cast<Leave&>(parsed) =
      parse_command_line(app, count, arguments, common, [&] { check(parsed.command); });
  return parsed;
}

}  // namespace ccexpert::tools
