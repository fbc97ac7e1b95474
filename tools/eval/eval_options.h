// Command line of ccexpert-eval.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/eval/scorer.h>

#include "common/command_line.h"
#include "eval/eval_choices.h"
#include "eval/shared/caption_files.h"

namespace ccexpert::tools {

struct EvalCommand {
  std::filesystem::path table;  ///< --table, or empty
  std::filesystem::path predictions;
  std::filesystem::path references;            ///< empty: those in the predictions file
  std::vector<std::filesystem::path> compare;  ///< other predictions
  bool calibrate = false;                      ///< --calibrate
  std::filesystem::path image_root;
  std::string split = "test";

  eval::Tokenizer tokenizer = eval::Tokenizer::kReference;
  eval::Repeats repeats = eval::Repeats::kOnce;
  bool no_meteor = false;
  std::filesystem::path meteor_data;          ///< empty: the folder of scripts/setup.sh
  std::filesystem::path unchanged_sentences;  ///< empty: LEVIR-CC's five
  eval::BootstrapOptions bootstrap;
  bool no_bootstrap = false;

  TableFormat format = TableFormat::kTable;
  std::filesystem::path output;  ///< empty: standard output
  std::filesystem::path pairs;   ///< scores of every pair, or empty
  std::filesystem::path html;    ///< report, or empty
  int64_t html_images = 200;
  std::filesystem::path figure;  ///< figure of a few pairs, or empty
  int64_t figure_pairs = 4;
  std::vector<std::string> figure_uids;  ///< pairs of the figure; empty: chosen automatically
  int64_t worst = 0;
  Ranking worst_by = Ranking::kUnset;  ///< set by parsing: S*m, or ROUGE-L without METEOR
  std::vector<std::string> names;      ///< names of the predictions, then of `compare`; default: file names
  bool quiet = false;
};

struct ParsedEvalCommand : Leave {
  EvalCommand command = {};
};

/// Parses the command line. Never throws for wrong arguments: they become exit code 2 and one line of text.
ParsedEvalCommand parse_eval_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools
