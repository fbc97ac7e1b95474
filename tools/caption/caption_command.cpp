#include "caption/caption_command.h"

#include <iostream>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

#include "caption/caption_options.h"
#include "caption/caption_run.h"
#include "caption/run_identity.h"
#include "caption/timings_report.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/launched.h"
#include "common/standard_streams.h"
#include "core/files.h"
#include "eval/eval_command.h"
#include "eval/eval_options.h"
#include "eval/eval_run.h"
#include "eval/shared/caption_scorer.h"

namespace ccexpert::tools {
namespace {

void report_timings(const CaptionCommand& command, const Captioner& captioner) {
  const RunFigures figures{.timings = captioner.timings(),
                           .peak_bytes = peak_memory(),
                           .decoding = captioner.decoding(command.generation),
                           .question = command.prompt.empty() ? captioner.question() : command.prompt};
  if (command.timings) print_text(timings_table(figures));
  if (!command.timings_file.empty()) write_file(command.timings_file, timings_json(figures));
}

/// Returns the utility of minimum-Bayes-risk decoding; nothing if it is off. Throws Error if METEOR's tables
/// are needed and missing.
CaptionUtility utility_of(const CaptionCommand& command) {
  if (command.generation.mbr == 0) return {};
  // The tokenizer of --evaluate stays out of it: the captions of a resumed file have one utility.
  const auto scorer = std::make_shared<eval::CaptionScorer>(eval::CaptionScorerOptions{
      .metric = command.generation.mbr_metric, .meteor_data = command.meteor_data});
  return [scorer](const std::string& caption, const std::string& other) {
    return scorer->score(caption, {other});
  };
}

CaptionBatch batch_of(const Captioner& captioner, CaptionUtility utility) {
  return [&captioner, utility = std::move(utility)](std::span<const ImagePair> pairs,
                                                    const CaptionOptions& options) {
    auto with_utility = options;
    with_utility.utility = utility;
    return captioner.caption(pairs, with_utility);
  };
}

int caption_single(const CaptionCommand& command, const Interrupt& interrupt) {
  auto writer = writer_of(command, run_identity(command));
  if (const auto uid = pairs_of(command).front().uid; writer.has_caption_of(uid)) {
    if (!command.quiet)
      print_note(fmt::format("ccexpert-caption: {}: already captioned in {}", uid, command.output.string()));
    return kSuccess;
  }
  auto utility = utility_of(command);
  const auto captioner = Captioner::load(command.model, command.captioner);
  const auto prediction =
      caption_one(command, batch_of(captioner, std::move(utility)), interrupt.token(), std::cout);
  if (interrupt.signal() != 0) return kFailed;
  if (command.format == data::PredictionFormat::kText && command.output.empty()) {
    // Print only the caption; a streamed one is already printed.
    if (!command.stream) std::cout << prediction.caption << "\n";
  } else {
    writer.write({&prediction, 1});
  }
  report_timings(command, captioner);
  return kSuccess;
}

EvalCommand evaluation_of(const CaptionCommand& command) {
  EvalCommand evaluation;
  evaluation.predictions = command.output;
  evaluation.references = command.evaluate;
  evaluation.names = {command.output.stem().string()};
  evaluation.split = command.evaluation_split;
  evaluation.tokenizer = command.evaluation_tokenizer;
  evaluation.meteor_data = command.meteor_data;
  evaluation.no_meteor = command.no_meteor;
  evaluation.quiet = command.quiet;
  return evaluation;
}

/// Checks the inputs of the evaluation before captioning.
void check_evaluation(const CaptionCommand& command) {
  if (command.evaluate.empty()) return;
  meteor_of(evaluation_of(command));
  eval::read_references(command.evaluate, command.evaluation_split);
}

int caption_list(const CaptionCommand& command, const Interrupt& interrupt) {
  // Check the files before the model is loaded, which takes time.
  const auto pairs = pairs_of(command);
  check_evaluation(command);
  auto writer = writer_of(command, run_identity(command));
  auto utility = utility_of(command);
  const auto captioner = Captioner::load(command.model, command.captioner);
  if (!command.quiet) print_note(fmt::format("{} pairs, {}", pairs.size(), captioner.description()));
  const auto summary =
      caption_many(command, pairs, batch_of(captioner, std::move(utility)), writer, interrupt.token());
  report_timings(command, captioner);
  if (summary.interrupted && !command.quiet) {
    print_note(fmt::format("ccexpert-caption: interrupted after {} of {} pairs{}",
                           summary.captioned + summary.failed + summary.skipped, pairs.size(),
                           command.output.empty() ? "" : "; --resume continues from there"));
  }
  if (summary.failed > 0)
    print_note(fmt::format("ccexpert-caption: {} of {} pairs failed", summary.failed, pairs.size()));
  int evaluated = kSuccess;
  if (!command.evaluate.empty() && !summary.interrupted) evaluated = run_eval(evaluation_of(command));
  return summary.failed > 0 ? kSomeFailed : evaluated;
}

int run(const CaptionCommand& command) {
  const Interrupt interrupt(kStopDeadline);
  end_with_launcher();
  if (command.quiet) log::set_level(log::Level::kError);
  // Report an unwritable file before a long run, not after it.
  if (!command.timings_file.empty()) expect_writable(command.timings_file);
  const int exit_code =
      command.single_pair() ? caption_single(command, interrupt) : caption_list(command, interrupt);
  return interrupt.signal() == 0 ? exit_code : kSignalBase + interrupt.signal();
}

}  // namespace

int run_caption_command(int count, const char* const* arguments) {
  const auto parsed = parse_caption_command(count, arguments);
  return parsed.exit_code ? print_leave(parsed) : run(parsed.command);
}

}  // namespace ccexpert::tools
