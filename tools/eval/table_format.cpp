// Formats of a table of several rows.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/printable.h"
#include "eval/markdown.h"
#include "eval/table_run.h"

namespace ccexpert::tools {
namespace {

using nlohmann::ordered_json;
using Cells = std::vector<std::string>;

constexpr const char* kNone = "–";

std::string shown(const eval::Spread& spread) {
  if (std::isnan(spread.value)) return kNone;
  const auto value = fmt::format("{:.2f}", 100.0 * spread.value);
  return std::isnan(spread.margin) ? value : fmt::format("{} ± {:.2f}", value, 100.0 * spread.margin);
}

std::string shown_difference(const eval::Spread& spread) {
  return std::isnan(spread.value) || spread.value < 0.0 ? shown(spread) : "+" + shown(spread);
}

template <class Values, class Format>
Cells cells(Cells row, const Values& values, Format format) {
  for (const auto& value : values) row.push_back(format(value));
  return row;
}

Cells published_cells(const PublishedRow& row, const std::vector<std::string>& columns) {
  return cells({"  published", ""}, columns, [&](const std::string& column) {
    const auto score = row.scores.of(column);
    return score ? fmt::format("{:.2f}", *score) : std::string(kNone);
  });
}

/// Returns the header, and for each row ours, the published scores and the difference to the baseline.
std::vector<Cells> lines_of(const TableResult& result) {
  std::vector<Cells> lines{cells({"", "seeds"}, result.columns, [](const auto& name) { return name; })};
  for (const auto& row : result.rows) {
    const auto name = printable(row.source.name);
    if (row.means.empty()) {
      lines.push_back(cells({name, kNone}, result.columns, [](const auto&) { return std::string(kNone); }));
    } else {
      lines.push_back(cells({name, std::to_string(row.seeds.size())}, row.means, shown));
    }
    if (row.source.published) lines.push_back(published_cells(*row.source.published, result.columns));
    if (!row.differences.empty())
      lines.push_back(cells({"  difference", ""}, row.differences, shown_difference));
  }
  return lines;
}

/// Returns what the intervals mean, and the sources of the published scores.
std::string notes_of(const TableResult& result) {
  std::string text;
  const auto many = [](const TableScores& row) { return row.seeds.size() > 1; };
  if (std::ranges::any_of(result.rows, many))
    text += fmt::format("±: {:g} % interval over seeds (Student; differences: Welch).\n",
                        100.0 * result.confidence);
  const auto compared = [](const TableScores& row) { return !row.differences.empty(); };
  if (std::ranges::any_of(result.rows, compared))
    text += fmt::format("difference: to {}.\n", printable(result.baseline));
  std::vector<std::string> sources;
  for (const auto& row : result.rows) {
    if (!row.source.published) continue;
    const auto source =
        fmt::format("published: {}, {}.\n", row.source.published->source, row.source.published->table);
    if (std::ranges::find(sources, source) == sources.end()) sources.push_back(source);
  }
  for (const auto& source : sources) text += printable(source.substr(0, source.size() - 1)) + "\n";
  return text;
}

/// Number of characters of UTF-8 text.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string padded(const std::string& text, size_t width, bool left) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return left ? text + blanks : blanks + text;
}

std::string head_of(const TableResult& result) {
  return (result.title.empty() ? "" : printable(result.title) + "\n") + result.note;
}

std::string text_of(const TableResult& result) {
  const auto lines = lines_of(result);
  std::vector<size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  }
  auto text = head_of(result);
  for (const auto& line : lines) {
    text += padded(line.front(), widths.front(), true);
    for (size_t i = 1; i < line.size(); ++i) text += "  " + padded(line[i], widths[i], false);
    text += '\n';
  }
  return text + notes_of(result);
}

std::string markdown_of(const TableResult& result) {
  const auto text = head_of(result) + "\n" + markdown_table(lines_of(result));
  const auto notes = notes_of(result);
  return notes.empty() ? text : text + "\n" + notes;
}

ordered_json number(double value) {
  return std::isnan(value) ? ordered_json() : ordered_json(value);
}

ordered_json spread_json(const eval::Spread& spread) {
  return {{"value", number(spread.value)}, {"margin", number(spread.margin)}};
}

ordered_json published_json(const PublishedRow& row, const std::vector<std::string>& columns) {
  ordered_json object{{"row", row.row}, {"table", row.table}, {"source", row.source}};
  for (const auto& column : columns) {
    if (const auto score = row.scores.of(column)) object["scores"][column] = *score;
  }
  return object;
}

ordered_json row_json(const TableScores& row, const std::vector<std::string>& columns) {
  ordered_json object{{"name", row.source.name}, {"seeds", ordered_json::array()}};
  for (size_t seed = 0; seed < row.seeds.size(); ++seed) {
    ordered_json scores;
    for (size_t i = 0; i < columns.size(); ++i) scores[columns[i]] = number(row.seeds[seed][i]);
    object["seeds"].push_back({{"seed", row.source.files[seed].seed},
                               {"file", row.source.files[seed].file.string()},
                               {"scores", std::move(scores)}});
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!row.means.empty()) object["mean"][columns[i]] = spread_json(row.means[i]);
    if (!row.differences.empty()) object["difference"][columns[i]] = spread_json(row.differences[i]);
  }
  if (row.source.published) object["published"] = published_json(*row.source.published, columns);
  return object;
}

std::string json_of(const TableResult& result) {
  ordered_json object{{"title", result.title},
                      {"baseline", result.baseline.empty() ? ordered_json() : ordered_json(result.baseline)},
                      {"confidence", result.confidence},
                      {"rows", ordered_json::array()}};
  for (const auto& row : result.rows) object["rows"].push_back(row_json(row, result.columns));
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string formatted(const TableResult& result, TableFormat format) {
  if (format == TableFormat::kJson) return json_of(result);
  return format == TableFormat::kMarkdown ? markdown_of(result) : text_of(result);
}

}  // namespace ccexpert::tools
