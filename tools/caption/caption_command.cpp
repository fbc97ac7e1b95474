#include "caption/caption_command.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/log.h>
#include <ccexpert/generate/conversation.h>

#include "caption/caption_options.h"
#include "caption/caption_ranks.h"
#include "caption/caption_run.h"
#include "caption/run_identity.h"
#include "caption/series_run.h"
#include "caption/timings_report.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/launched.h"
#include "common/launcher.h"
#include "common/standard_streams.h"
#include "core/files.h"
#include "eval/eval_command.h"
#include "eval/eval_options.h"
#include "eval/eval_run.h"
#include "eval/shared/caption_scorer.h"
#include "generate/shared/caption_plan.h"

namespace ccexpert::tools {
namespace {

/// Returns the question of a run, or its questions, one a line.
std::string questions_of(const CaptionCommand& command, const Captioner& captioner) {
  if (command.prompts.size() > 1) return fmt::format("{}", fmt::join(command.prompts, "\n"));
  return command.prompt.empty() ? captioner.question() : command.prompt;
}

void report_timings(const CaptionCommand& command, const Captioner& captioner) {
  const RunFigures figures{.timings = captioner.timings(),
                           .peak_bytes = peak_memory(),
                           .decoding = captioner.decoding(command.generation),
                           .model = captioner.description(),
                           .engine = captioner.engine(),
                           .question = questions_of(command, captioner)};
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

/// Returns the captions that drafts learn from. Throws Error for a file without references.
std::vector<std::string> drafts_of(const CaptionCommand& command) {
  if (command.draft.empty()) return {};
  std::vector<std::string> captions;
  for (const auto& entry : eval::read_references(command.draft, "all"))
    captions.insert(captions.end(), entry.references.begin(), entry.references.end());
  return captions;
}

Captioner captioner_of(CaptionRanks& ranks, std::span<const std::string> drafts) {
  auto captioner = ranks.load();
  captioner.learn_drafts(drafts);
  return captioner;
}

CaptionBatch batch_of(const Captioner& captioner, CaptionUtility utility) {
  return [&, utility = std::move(utility)](std::span<const ImagePair> pairs, const CaptionOptions& options) {
    auto with_utility = options;
    with_utility.utility = utility;
    return captioner.caption(pairs, with_utility);
  };
}

/// Starts the page of a command, with the captions of a resumed output; null without --report.
std::unique_ptr<CaptionReport> report_of(const CaptionCommand& command,
                                         std::span<const data::PairFiles> pairs) {
  if (command.report.empty()) return nullptr;
  auto report = std::make_unique<CaptionReport>(command, pairs);
  if (command.resume && is_file(command.output)) {
    data::visit_captions(command.output, command.format, pairs,
                         [&](const data::Prediction& known) { report->add_resumed(known); });
  }
  return report;
}

/// Returns the command with the threshold of the model's maps, unless it has its own.
CaptionCommand with_threshold_of(const Captioner& captioner, CaptionCommand command) {
  if (!command.places.change_threshold) command.places.change_threshold = captioner.change_threshold();
  return command;
}

int caption_single(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  auto writer = writer_of(command, run_identity(command));
  const auto pairs = pairs_of(command);
  const auto report = report_of(command, pairs);
  if (const auto& uid = pairs.front().uid; writer.has_caption_of(uid)) {
    if (!command.quiet)
      print_note(fmt::format("ccexpert-caption: {}: already captioned in {}", uid, command.output.string()));
    if (report) report->finish();
    return kSuccess;
  }
  auto utility = utility_of(command);
  const auto drafts = drafts_of(command);
  const auto captioner = captioner_of(ranks, drafts);
  const auto prediction = caption_one(with_threshold_of(captioner, command),
                                      batch_of(captioner, std::move(utility)), interrupt.token(), std::cout);
  if (interrupt.signal() != 0) return kFailed;
  if (command.format == data::PredictionFormat::kText && command.output.empty()) {
    // Print only the caption; a streamed one is already printed.
    if (!command.stream) std::cout << prediction.caption << "\n";
  } else {
    writer.write({&prediction, 1});
  }
  if (report) {
    report->add(prediction, load_pair(prediction.pair));
    report->finish();
  }
  report_timings(command, captioner);
  return kSuccess;
}

int answer_questions(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  const auto utility = utility_of(command);
  const auto drafts = drafts_of(command);
  const auto captioner = captioner_of(ranks, drafts);
  const auto start = [&](const ImagePair& pair) {
    const auto conversation = std::make_shared<Conversation>(captioner.converse({&pair, 1}));
    return [conversation, &utility](const CaptionOptions& options) {
      auto with_utility = options;
      with_utility.utility = utility;
      return conversation->ask(with_utility).front();
    };
  };
  answer_all(command, start, interrupt.token(), std::cout);
  if (interrupt.signal() != 0) return kFailed;
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

/// Tells of an interruption and of failed pairs.
void tell_end(const CaptionCommand& command, const RunSummary& summary, size_t pairs) {
  if (summary.interrupted && !command.quiet) {
    print_note(fmt::format("ccexpert-caption: interrupted after {} of {} pairs{}",
                           summary.captioned + summary.failed + summary.skipped, pairs,
                           command.output.empty() ? "" : "; --resume continues from there"));
  }
  if (summary.failed > 0)
    print_note(fmt::format("ccexpert-caption: {} of {} pairs failed", summary.failed, pairs));
}

/// Captions places at several dates.
int caption_places(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  const auto series = series_of(command);
  auto writer = writer_of(command, run_identity(command));
  const auto all = all_pairs(series);
  const auto report = report_of(command, all);
  auto utility = utility_of(command);
  const auto drafts = drafts_of(command);
  const auto captioner = captioner_of(ranks, drafts);
  const auto pairs = planned_pairs(series);
  if (!command.quiet) {
    print_note(
        fmt::format("{} places, at least {} pairs, {}", series.size(), pairs, ranks.description(captioner)));
  }
  const auto summary =
      caption_series(with_threshold_of(captioner, command), series, batch_of(captioner, std::move(utility)),
                     {writer, report.get()}, interrupt.token());
  if (report && !summary.interrupted) report->finish();
  report_timings(command, captioner);
  tell_end(command, summary, pairs);
  return summary.failed > 0 ? kSomeFailed : kSuccess;
}

int caption_list(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  // Check the files before the model is loaded, which takes time.
  const auto pairs = pairs_of(command);
  check_evaluation(command);
  auto writer = writer_of(command, run_identity(command));
  const auto report = report_of(command, pairs);
  auto utility = utility_of(command);
  const auto drafts = drafts_of(command);
  const auto captioner = captioner_of(ranks, drafts);
  if (!command.quiet) print_note(fmt::format("{} pairs, {}", pairs.size(), ranks.description(captioner)));
  const auto summary =
      caption_many(with_threshold_of(captioner, command), pairs, batch_of(captioner, std::move(utility)),
                   {writer, report.get()}, interrupt.token());
  if (report && !summary.interrupted) report->finish();
  report_timings(command, captioner);
  tell_end(command, summary, pairs.size());
  int evaluated = kSuccess;
  if (!command.evaluate.empty() && !summary.interrupted) evaluated = run_eval(evaluation_of(command));
  return summary.failed > 0 ? kSomeFailed : evaluated;
}

int run_input(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  if (command.prompts.size() > 1) return answer_questions(command, interrupt, ranks);
  if (!command.series.empty()) return caption_places(command, interrupt, ranks);
  return command.single_pair() ? caption_single(command, interrupt, ranks)
                               : caption_list(command, interrupt, ranks);
}

/// Captions as rank 0, or as the only process. Other ranks end with the same code, and with an error after
/// one here.
int caption_as_first(const CaptionCommand& command, const Interrupt& interrupt, CaptionRanks& ranks) {
  const auto code_of = [&](int code) {
    return interrupt.signal() == 0 ? code : kSignalBase + interrupt.signal();
  };
  try {
    // Report an unwritable file before a long run, not after it.
    if (!command.timings_file.empty()) expect_writable(command.timings_file);
    const int code = code_of(run_input(command, interrupt, ranks));
    ranks.end(code);
    return code;
  } catch (...) {
    ranks.end_after_error();
    throw;
  }
}

int run(const CaptionCommand& command, const std::string& command_line) {
  const Interrupt interrupt(kStopDeadline);
  end_with_launcher();
  if (command.quiet) log::set_level(log::Level::kError);
  CaptionRanks ranks(command, command_line, interrupt.token());
  if (ranks.leads()) return caption_as_first(command, interrupt, ranks);
  if (!command.quiet) log::set_level(log::Level::kWarning);  // rank 0 tells the rest
  const int code = ranks.follow();
  return interrupt.signal() == 0 ? code : kSignalBase + interrupt.signal();
}

int print_plan(const CaptionCommand& command) {
  const auto plan = generate::plan_captions({.model = command.model,
                                             .captioner = command.captioner,
                                             .generation = command.generation,
                                             .pairs = command.batch_size,
                                             .ranks = std::max(1, command.processes)});
  print_result(generate::to_text(plan));
  return kSuccess;
}

/// Starts the same command without --nproc once per rank.
int launch_ranks(int processes, const std::vector<std::string>& arguments) {
  LaunchRequest request{.arguments = {"/proc/self/exe"}, .processes = processes};
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == kProcessesOption) {
      ++i;  // its value
    } else if (!arguments[i].starts_with(std::string(kProcessesOption) + "=")) {
      request.arguments.push_back(arguments[i]);
    }
  }
  const Interrupt interrupt;
  const int code = launch(request, interrupt.token());
  return interrupt.signal() == 0 ? code : kSignalBase + interrupt.signal();
}

}  // namespace

int run_caption_command(int count, const char* const* arguments) {
  const auto parsed = parse_caption_command(count, arguments);
  if (parsed.exit_code) return print_leave(parsed);
  if (parsed.command.plan) return print_plan(parsed.command);
  const std::vector<std::string> words(arguments, arguments + count);
  if (parsed.command.processes > 0) return launch_ranks(parsed.command.processes, words);
  return run(parsed.command, fmt::format("{}", fmt::join(words.begin() + 1, words.end(), " ")));
}

}  // namespace ccexpert::tools
