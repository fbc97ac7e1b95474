#include "eval/eval_options.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "common/option_group.h"
#include "core/file_names.h"
#include "core/printable.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-eval";

constexpr const char* kExamples = R"(Examples:
  ccexpert-eval predictions.jsonl
  ccexpert-eval captions.jsonl --references LevirCCcaptions.json
  ccexpert-eval captions.jsonl --references test.json --html report.html --worst 10
  ccexpert-eval ours.jsonl --compare baseline.jsonl --references test.json --figure figure.pdf
  ccexpert-eval --calibrate val.jsonl --references val.json --output MODEL/change_score.json
  ccexpert-eval --table configs/tables/table7.yaml --format markdown
  ccexpert-eval captions.jsonl --references test.json --format latex --name CCExpert-0.5B

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 scored, but some references have no prediction or
some rows of --table no captions.)";

void add_input_options(CLI::App& app, EvalCommand& command, std::vector<std::filesystem::path>& files) {
  OptionGroup group(app, "Input");
  app.add_option("predictions", files,
                 "JSON Lines or JSON with uid (or image_id) and pred (or caption), optionally with "
                 "references as change_caption")
      ->transform(input_file())
      ->type_name("PREDICTIONS")
      ->group("Input");
  group.input("--table", command.table,
              "YAML file of a table: rows with captions of runs and published scores (docs/eval.md)");
  group.input("-r,--references", command.references,
              "references: LEVIR-CC, universal, COCO and other JSON (docs/eval.md)");
  group.text("--split", command.split, "split of the references (all: every split)", "NAME")
      ->capture_default_str();
  group.folder("--image-root", command.image_root,
               "folder that image paths start at, for --html (the folder of their file)");
  group.flag("--calibrate", command.calibrate,
             "fit the change scores of ccexpert-caption --locate to the references, and write "
             "change_score.json for the model's folder to --output (docs/locate.md)");
  group
      .repeated("--compare", command.compare,
                "other predictions of the same pairs: differences and a paired bootstrap test; repeat for "
                "more files",
                "FILE")
      ->transform(input_file());
}

void add_scoring_options(CLI::App& app, EvalCommand& command) {
  OptionGroup group(app, "Scoring");
  auto& bootstrap = command.bootstrap;
  group.value("--tokenizer", command.tokenizer,
              "reference: lower case, no full stops, split at spaces, as in CCExpert; ptb: as in the COCO "
              "evaluation");
  group.value(
      "--repeats", command.repeats,
      "predictions that repeat a uid: count only the first (once), or each, as in the authors' script");
  group.flag("--no-meteor", command.no_meteor, "leave out METEOR, and S*m, which needs it");
  group
      .folder("--meteor-data", command.meteor_data,
              "folder of METEOR's tables with the layout in docs/eval.md (default: installed by "
              "scripts/setup.sh)")
      ->envname("CCEXPERT_METEOR_DATA");
  group.input("--unchanged-sentences", command.unchanged_sentences,
              "file of sentences that mean no change, one per line (LEVIR-CC's five)");
  group.value("--bootstrap", bootstrap.resamples, "resamples of the confidence intervals",
              in_range(1, 1'000'000));
  group
      .value("--confidence", bootstrap.confidence,
             "share of resamples in an interval; with --table: confidence of its intervals over seeds",
             in_range(0.5, 0.9999))
      ->type_name("P");
  group.value("--seed", bootstrap.seed, "seed of the resamples", at_least(0));
  group.flag("--no-bootstrap", command.no_bootstrap, "compute no confidence intervals");
}

void add_output_options(CLI::App& app, EvalCommand& command) {
  OptionGroup group(app, "Output");
  group.value("-f,--format", command.format,
              "format of the table; latex: a row with its header as a comment");
  group.output("-o,--output", command.output, "file to write (standard output)");
  group.output("--pairs", command.pairs, "write the scores of every pair: .jsonl or .csv");
  group.value("--worst", command.worst, "number of worst pairs to print", in_range(0, 1'000'000));
  group.value("--by", command.worst_by, "score that ranks the worst pairs (S*m, ROUGE-L with --no-meteor)");
  group.repeated("--name", command.names,
                 "name of the predictions in tables and figures (the file's name); repeat for those of "
                 "--compare",
                 "TEXT");
  group.flag("-q,--quiet", command.quiet, "print no notes on standard error");
}

void add_picture_options(CLI::App& app, EvalCommand& command) {
  OptionGroup group(app, "Output");
  group.named_output("--html", command.html,
                     "write a report with image pairs, captions and their matching words");
  group.value("--html-images", command.html_images,
              "number of pairs with images in the report, the worst first", in_range(0, 1'000'000));
  group.file("--figure", command.figure,
             "draw a few pairs with images and all captions, matching words marked: .png, .svg or .pdf");
  group.value("--figure-pairs", command.figure_pairs,
              "number of pairs in the figure: those with the largest differences by --by, or the worst of "
              "one file",
              in_range(1, 50));
  group.repeated("--figure-uid", command.figure_uids, "a pair of the figure; repeat for more pairs", "UID");
}

void check_figure(const EvalCommand& command) {
  const auto extension = lower_extension(command.figure);
  expect(command.figure.empty() || extension == ".png" || extension == ".svg" || extension == ".pdf",
         "--figure: expected a .png, .svg or .pdf file, got " + command.figure.string());
  expect(!command.figure.empty() || command.figure_uids.empty(), "--figure-uid: expected with --figure");
}

/// Sets missing names to those of the files: their stems, or their paths if stems repeat.
void name_models(EvalCommand& command) {
  std::vector<std::filesystem::path> files{command.predictions};
  files.insert(files.end(), command.compare.begin(), command.compare.end());
  expect(command.names.size() <= files.size(),
         fmt::format("--name: expected at most {} names, one per predictions file, got {}", files.size(),
                     command.names.size()));
  std::set<std::string> stems;
  for (const auto& file : files) stems.insert(file.stem().string());
  for (size_t i = command.names.size(); i < files.size(); ++i)
    command.names.push_back(stems.size() == files.size() ? files[i].stem().string() : files[i].string());
}

/// Returns the only predictions file.
std::filesystem::path only(const std::vector<std::filesystem::path>& files) {
  expect(!files.empty(), "expected a predictions file");
  if (files.size() > 1)
    throw Error(
        fmt::format("expected one predictions file, got {} ({}; put --compare before each other predictions "
                    "file, --references before a references file)",
                    files.size(), printable(files[1].string())));
  return files.front();
}

/// Checks or sets the score that ranks pairs.
void check_ranking(EvalCommand& command) {
  auto& by = command.worst_by;
  if (by == Ranking::kUnset) by = command.no_meteor ? Ranking::kRougeL : Ranking::kSStarM;
  expect(!command.no_meteor || (by != Ranking::kMeteor && by != Ranking::kSStarM),
         "--by " + text_of(by) + ": expected without --no-meteor");
}

/// Checks the options of a table, whose file names captions, references and split. Throws Error.
void check_table(const CLI::App& app, const EvalCommand& command,
                 const std::vector<std::filesystem::path>& files) {
  constexpr auto kOfOneFile = std::to_array<const char*>(
      {"--references", "--split", "--image-root", "--calibrate", "--compare", "--name", "--pairs", "--worst",
       "--by", "--html", "--html-images", "--figure", "--figure-pairs", "--figure-uid", "--bootstrap",
       "--seed", "--no-bootstrap"});
  const auto is_given = [&](const char* name) { return app.count(name) > 0; };
  expect(
      files.empty() && std::ranges::none_of(kOfOneFile, is_given),
      fmt::format("--table: expected without a predictions file, and without options that belong to one ({})",
                  fmt::join(kOfOneFile, ", ")));
  expect(command.format != TableFormat::kCsv && command.format != TableFormat::kLatex,
         "--format " + text_of(command.format) + ": expected table, markdown or json with --table");
}

/// Checks the options of a calibration, which scores no captions. Throws Error.
void check_calibration(const CLI::App& app, const EvalCommand& command) {
  constexpr auto kOfScores = std::to_array<const char*>(
      {"--compare", "--name", "--pairs", "--worst", "--by", "--html", "--html-images", "--figure",
       "--figure-pairs", "--figure-uid", "--bootstrap", "--seed", "--format", "--tokenizer"});
  const auto is_given = [&](const char* name) { return app.count(name) > 0; };
  expect(std::ranges::none_of(kOfScores, is_given),
         fmt::format("--calibrate: expected without options of scores ({})", fmt::join(kOfScores, ", ")));
  // A repeated pair tells nothing more about the score.
  expect(command.repeats == eval::Repeats::kOnce, "--calibrate: expected --repeats once, got each");
}

/// Checks the options together. Throws Error.
void check(EvalCommand& command) {
  expect(command.worst == 0 || command.format == TableFormat::kTable,
         "--worst: expected with --format table");
  expect(!command.no_bootstrap || command.compare.empty(), "--compare: expected without --no-bootstrap");
  const auto extension = lower_extension(command.pairs);
  expect(command.pairs.empty() || extension == ".jsonl" || extension == ".csv",
         "--pairs: expected a .jsonl or .csv file, got " + command.pairs.string());
  check_ranking(command);
  check_figure(command);
  name_models(command);
}

std::string eval_version_text(const std::string& command) {
  return command + " " CCEXPERT_VERSION;
}

/// Usage text: CLI11 knows single options but not their combinations.
class EvalHelp : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return fmt::format(
        "Usage: {} [OPTIONS] PREDICTIONS [--references FILE]\n       {} [OPTIONS] --table FILE\n", kName,
        kName);
  }
};

}  // namespace

ParsedEvalCommand parse_eval_command(int count, const char* const* arguments) {
  ParsedEvalCommand parsed;
  CommonOptions common{.version_text = eval_version_text};
  CLI::App app(
      "Scores change captions: the paper's table, with the reference's values, without Java or Python.",
      kName);
  app.formatter(std::make_shared<EvalHelp>());
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  std::vector<std::filesystem::path> files;
  add_input_options(app, parsed.command, files);
  add_scoring_options(app, parsed.command);
  add_output_options(app, parsed.command);
  add_picture_options(app, parsed.command);
  add_common_options(app, common);
  static_cast<Leave&>(parsed) = parse_command_line(app, count, arguments, common, [&] {
    if (!parsed.command.table.empty()) return check_table(app, parsed.command, files);
    parsed.command.predictions = only(files);
    if (parsed.command.calibrate) check_calibration(app, parsed.command);
    check(parsed.command);
  });
  return parsed;
}

}  // namespace ccexpert::tools
