#include "eval/table_run.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "common/exit_code.h"
#include "common/standard_streams.h"
#include "core/files.h"
#include "core/printable.h"
#include "eval/eval_format.h"
#include "eval/eval_run.h"

namespace ccexpert::tools {
namespace {

/// Columns of the paper's table, and the accuracy of the change decision.
std::vector<std::string> columns_of(std::vector<std::string> names) {
  std::erase(names, "CIDEr");
  return names;
}

/// Returns the command that scores one file of a row.
EvalCommand command_of(const EvalCommand& command, const TableFile& table, const std::string& row,
                       const SeedFile& file) {
  EvalCommand own = command;
  own.predictions = file.file;
  own.references = table.references;
  own.split = table.split;
  own.no_bootstrap = true;
  own.names = {fmt::format("{}, seed {}", row, file.seed)};
  return own;
}

std::vector<double> column_of(const TableScores& row, size_t column) {
  std::vector<double> values;
  for (const auto& seed : row.seeds) values.push_back(seed[column]);
  return values;
}

void add_means(TableResult& result) {
  for (auto& row : result.rows) {
    for (size_t i = 0; i < result.columns.size() && !row.seeds.empty(); ++i)
      row.means.push_back(eval::mean_of_seeds(column_of(row, i), result.confidence));
  }
}

void add_differences(TableResult& result) {
  const auto is_baseline = [&](const TableScores& row) { return row.source.name == result.baseline; };
  const auto baseline = std::ranges::find_if(result.rows, is_baseline);
  if (baseline == result.rows.end() || baseline->seeds.empty()) return;
  for (auto& row : result.rows) {
    if (is_baseline(row) || row.seeds.empty()) continue;
    for (size_t i = 0; i < result.columns.size(); ++i)
      row.differences.push_back(
          eval::difference_of_seeds(column_of(*baseline, i), column_of(row, i), result.confidence));
  }
}

/// Reports rows without captions; returns the exit code.
int report_waiting(const EvalCommand& command, const std::vector<TableScores>& rows) {
  std::vector<std::string> waiting;
  for (const auto& row : rows) {
    if (row.source.expected && row.source.files.empty()) waiting.push_back(printable(row.source.name));
  }
  if (waiting.empty()) return kSuccess;
  if (!command.quiet) print_note(fmt::format("ccexpert-eval: no captions yet of {}", first_few(waiting)));
  return kSomeFailed;
}

/// Reports a file that is scored on other pairs or references than the head of the table says.
void report_other_pairs(const std::string& name, std::string note) {
  while (note.ends_with('\n')) note.pop_back();
  print_note(fmt::format("ccexpert-eval: {} differs from the head of the table: {}", printable(name), note));
}

}  // namespace

TableResult score_table(const EvalCommand& command) {
  auto source = read_table(command.table);
  const auto meteor = meteor_of(command);
  TableResult result;
  result.title = source.table.title;
  result.baseline = source.table.baseline;
  result.confidence = command.bootstrap.confidence;
  result.columns = columns_of(eval::Scorer({.tokenizer = command.tokenizer, .meteor = meteor}).names());
  for (auto& row : source.rows) {
    TableScores scores{.source = std::move(row), .seeds = {}, .means = {}, .differences = {}};
    for (const auto& file : scores.source.files) {
      const auto own = command_of(command, source.table, scores.source.name, file);
      const auto scored = evaluate(own, meteor);
      result.exit_code = std::max(result.exit_code, report_coverage(own, scored));
      const auto note = header_note(scored);
      if (result.note.empty()) result.note = note;
      if (note != result.note && !command.quiet) report_other_pairs(own.names.front(), note);
      auto& values = scores.seeds.emplace_back();
      for (const auto& column : result.columns) values.push_back(scored.scored.table().value(column));
    }
    result.rows.push_back(std::move(scores));
  }
  add_means(result);
  add_differences(result);
  result.exit_code = std::max(result.exit_code, report_waiting(command, result.rows));
  return result;
}

int run_table(const EvalCommand& command) {
  if (command.quiet) log::set_level(log::Level::kError);
  if (!is_standard_output(command.output)) expect_writable(command.output);
  const auto result = score_table(command);
  write_result(command.output, formatted(result, command.format));
  return result.exit_code;
}

}  // namespace ccexpert::tools
