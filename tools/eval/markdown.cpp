#include "eval/markdown.h"

#include <fmt/format.h>

#include "core/printable.h"
#include "eval/eval_format.h"

namespace ccexpert::tools {
namespace {

std::string line_of(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const auto& cell : cells) {
    text += ' ';
    for (const char c : cell) text.append(c == '|' ? "\\" : "").push_back(c);
    text += " |";
  }
  return text + "\n";
}

}  // namespace

std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  auto text = line_of(rows.front()) + "|---|";
  for (size_t i = 1; i < rows.front().size(); ++i) text += "---:|";
  text += '\n';
  for (size_t i = 1; i < rows.size(); ++i) text += line_of(rows[i]);
  return text;
}

std::string markdown_text(const EvalResult& result) {
  std::vector<std::vector<std::string>> rows{{"", "pairs"}};
  for (const auto& name : result.scored.table().names) rows.front().push_back(name);
  for (const auto* scored : all_models(result)) {
    for (const auto& subset : scored->subsets) {
      auto& row = rows.emplace_back();
      row = {fmt::format("{}, {}", printable(scored->name), subset.name),
             std::to_string(subset.pairs.size())};
      for (const double value : subset.table.corpus) row.push_back(percent(value));
    }
  }
  return markdown_table(rows);
}

}  // namespace ccexpert::tools
