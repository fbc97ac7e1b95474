// Table of several rows: our scores over seeds beside published ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/eval_options.h"
#include "eval/shared/seed_statistics.h"
#include "eval/table_file.h"

namespace ccexpert::tools {

/// Scores of a row; the vectors have one element for each column.
struct TableScores {
  RowSource source;
  std::vector<std::vector<double>> seeds;  ///< values of each file, as shares
  std::vector<eval::Spread> means;         ///< empty without files
  std::vector<eval::Spread> differences;   ///< to the baseline; empty for the baseline and without files
};

struct TableResult {
  std::string title;
  std::string baseline;
  std::string note;  ///< pairs, references and tokenizer of the rows; empty if no row has files
  double confidence = 0.0;
  std::vector<std::string> columns;
  std::vector<TableScores> rows;
  int exit_code = 0;  ///< 3 if captions, or predictions in them, are missing
};

/// Scores the rows of command.table. Throws Error.
TableResult score_table(const EvalCommand& command);

/// Formats a table as text, Markdown or JSON.
std::string formatted(const TableResult& result, TableFormat format);

/// Scores and writes the table. Returns the exit code: 3 if a row lacks its captions, or a pair of a row its
/// prediction. Throws Error.
int run_table(const EvalCommand& command);

}  // namespace ccexpert::tools
