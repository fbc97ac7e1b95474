#include "eval/eval_command.h"

#include <ccexpert/core/log.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "core/file_names.h"
#include "core/files.h"
#include "eval/calibrate_run.h"
#include "eval/change_scores.h"
#include "eval/eval_format.h"
#include "eval/eval_options.h"
#include "eval/eval_run.h"
#include "eval/figure.h"
#include "eval/html_report.h"
#include "eval/table_run.h"

namespace ccexpert::tools {
namespace {

void write(const EvalCommand& command, const EvalResult& result) {
  auto text = formatted(result, command.format);
  if (command.format == TableFormat::kTable) text += change_lines(result.scored);
  if (command.worst > 0)
    text.append("\n").append(
        worst_pairs(result.scored, static_cast<size_t>(command.worst), text_of(command.worst_by)));
  write_result(command.output, text);
  if (!command.pairs.empty())
    write_result(command.pairs, pair_scores(result.scored, result.scoring.tokenizer,
                                            lower_extension(command.pairs) == ".csv"));
}

}  // namespace

int run_eval(const EvalCommand& command) {
  if (!command.table.empty()) return run_table(command);
  if (command.quiet) log::set_level(log::Level::kError);
  // Report unwritable files before the work.
  for (const auto& file : {command.output, command.pairs}) {
    if (!is_standard_output(file)) expect_writable(file);
  }
  for (const auto& file : {command.figure, command.html}) {
    if (!file.empty()) expect_writable(file);
  }
  if (command.calibrate) return run_calibration(command);
  const auto meteor = meteor_of(command);
  const auto result = evaluate(command, meteor);
  const int exit_code = report_coverage(command, result);
  write(command, result);
  if (!command.figure.empty()) write_figure(command, result, meteor);
  if (!command.html.empty()) write_html_report(command, result, meteor);
  return exit_code;
}

int run_eval_command(int count, const char* const* arguments) {
  const auto parsed = parse_eval_command(count, arguments);
  return parsed.exit_code ? print_leave(parsed) : run_eval(parsed.command);
}

}  // namespace ccexpert::tools
