#include "eval/csv.h"

#include <cmath>

#include <fmt/format.h>

namespace ccexpert::tools {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::vector<std::string> csv_header(const EvalResult& result) {
  std::vector<std::string> header{"name", "subset", "pairs", "tokenizer"};
  for (const auto& name : result.scored.table().names) {
    header.push_back(name);
    if (result.scoring.resamples > 0) header.insert(header.end(), {name + " low", name + " high"});
    if (result.baselines.empty()) continue;
    for (const char* what : {"difference", "difference low", "difference high", "p"})
      header.push_back(fmt::format("{} {}", name, what));
  }
  return header;
}

/// Adds a column's value, its interval, and the difference of the first predictions to this row's; empty
/// cells in rows of the first predictions.
void add_csv_cells(std::vector<std::string>& row, const Subset& subset, size_t column, bool compared) {
  row.push_back(csv_number(subset.table.corpus[column]));
  if (!subset.intervals.empty()) {
    row.push_back(csv_number(subset.intervals[column].low));
    row.push_back(csv_number(subset.intervals[column].high));
  }
  if (!compared) return;
  if (subset.differences.empty()) {
    row.insert(row.end(), 4, "");
    return;
  }
  const auto& difference = subset.differences[column];
  for (const double value :
       {difference.value, difference.interval.low, difference.interval.high, difference.p})
    row.push_back(csv_number(value));
}

}  // namespace

std::string csv_number(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.17g}", value);
}

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (size_t i = 0; i < fields.size(); ++i) row.append(i == 0 ? "" : ",").append(csv_field(fields[i]));
  return row + "\r\n";
}

std::string csv_text(const EvalResult& result) {
  std::string text = csv_row(csv_header(result));
  for (const auto* scored : all_models(result)) {
    for (const auto& subset : scored->subsets) {
      std::vector<std::string> row{scored->name, subset.name, std::to_string(subset.pairs.size()),
                                   text_of(result.scoring.tokenizer)};
      for (size_t i = 0; i < subset.table.corpus.size(); ++i)
        add_csv_cells(row, subset, i, !result.baselines.empty());
      text += csv_row(row);
    }
  }
  return text;
}

}  // namespace ccexpert::tools
