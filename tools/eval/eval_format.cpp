#include "eval/eval_format.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/one_line.h"
#include "core/printable.h"
#include "eval/csv.h"
#include "eval/markdown.h"

namespace ccexpert::tools {
namespace {

using nlohmann::ordered_json;

constexpr const char* kSubsetNote =
    "CIDEr-D and CIDEr take their document frequencies from the pairs of the row.";

std::string tokenizer_note(const Scoring& scoring) {
  return scoring.tokenizer == eval::Tokenizer::kReference
             ? "tokenizer reference (lower case, full stops deleted, split on blanks)"
             : "tokenizer ptb (Penn Treebank tokens without punctuation, as the COCO evaluation)";
}

/// Text table with aligned columns: the first to the left, the others to the right.
class TextTable {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<size_t> widths(rows_.front().size(), 0);
    for (const auto& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows_) {
      text += fmt::format("{:<{}}", row.front(), widths.front());
      for (size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], widths[i]);
      text += '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

template <class Values, class Format>
std::vector<std::string> row_of(std::vector<std::string> row, const Values& values, Format format) {
  for (const auto& value : values) row.push_back(format(value));
  return row;
}

void add_rows(TextTable& table, const Scored& scored, const Scoring& scoring, bool named) {
  for (const auto& subset : scored.subsets) {
    const auto name = named ? fmt::format("{}, {}", printable(scored.name), subset.name) : subset.name;
    table.add(row_of({name, std::to_string(subset.pairs.size())}, subset.table.corpus, percent));
    if (subset.intervals.empty()) continue;
    const auto share = fmt::format("  {:g} %", 100.0 * scoring.confidence);
    table.add(row_of({share + " low", ""}, subset.intervals,
                     [](const eval::Interval& interval) { return percent(interval.low); }));
    table.add(row_of({share + " high", ""}, subset.intervals,
                     [](const eval::Interval& interval) { return percent(interval.high); }));
  }
}

void add_differences(TextTable& table, const Scored& baseline, const Scoring& scoring) {
  using eval::Difference;
  for (const auto& subset : baseline.subsets) {
    table.add(row_of({fmt::format("difference to {}, {}", printable(baseline.name), subset.name), ""},
                     subset.differences, [](const Difference& each) { return signed_percent(each.value); }));
    const auto share = fmt::format("  {:g} %", 100.0 * scoring.confidence);
    table.add(row_of({share + " low", ""}, subset.differences,
                     [](const Difference& each) { return signed_percent(each.interval.low); }));
    table.add(row_of({share + " high", ""}, subset.differences,
                     [](const Difference& each) { return signed_percent(each.interval.high); }));
    table.add(row_of({"  p", ""}, subset.differences,
                     [&](const Difference& each) { return p_value(each.p, scoring.resamples); }));
  }
}

std::string text_table(const EvalResult& result) {
  TextTable table;
  table.add(row_of({"", "pairs"}, result.scored.table().names, [](const std::string& name) { return name; }));
  add_rows(table, result.scored, result.scoring, !result.baselines.empty());
  for (const auto& each : result.baselines) {
    add_rows(table, each, result.scoring, true);
    add_differences(table, each, result.scoring);
  }
  auto text = header_note(result) + table.text() + kSubsetNote + "\n";
  if (!result.scoring.meteor) text += "Without METEOR there is no S*m.\n";
  if (result.scoring.resamples > 0) {
    text +=
        fmt::format("Intervals: percentile bootstrap over pairs, {} resamples{}.\n", result.scoring.resamples,
                    !result.baselines.empty() ? "; p: paired bootstrap, two-sided" : "");
  }
  return text;
}

/// Returns null for NaN, which JSON lacks.
ordered_json number(double value) {
  return std::isnan(value) ? ordered_json() : ordered_json(value);
}

ordered_json to_json(const Scored& scored) {
  ordered_json object{{"name", scored.name},
                      {"missing", scored.set.missing},
                      {"extra", scored.set.extra},
                      {"repeated", scored.set.repeated},
                      {"merged", scored.set.merged}};
  for (const auto& subset : scored.subsets) {
    ordered_json scores;
    for (size_t i = 0; i < subset.table.names.size(); ++i) {
      ordered_json score{{"value", number(subset.table.corpus[i])}};
      if (!subset.intervals.empty()) {
        score["low"] = number(subset.intervals[i].low);
        score["high"] = number(subset.intervals[i].high);
      }
      if (!subset.differences.empty()) {
        const auto& difference = subset.differences[i];
        score["difference"] = {{"value", number(difference.value)},
                               {"low", number(difference.interval.low)},
                               {"high", number(difference.interval.high)},
                               {"p", number(difference.p)}};
      }
      scores[subset.table.names[i]] = std::move(score);
    }
    object["subsets"][subset.name] = {{"pairs", subset.pairs.size()}, {"scores", std::move(scores)}};
  }
  return object;
}

std::string json_text(const EvalResult& result) {
  auto object = to_json(result.scored);
  object["tokenizer"] = name_of(result.scoring.tokenizer);
  object["repeats"] = name_of(result.scoring.repeats);
  object["split"] = result.scoring.split.empty() ? ordered_json() : ordered_json(result.scoring.split);
  object["references"] = reference_counts(result.scored.set);
  object["confidence"] =
      result.scoring.resamples > 0 ? ordered_json(result.scoring.confidence) : ordered_json();
  object["resamples"] = result.scoring.resamples;
  for (const auto& each : result.baselines) object["compared_with"].push_back(to_json(each));
  if (!result.baselines.empty()) object["left_out"] = result.left_out;
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string latex_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\textbackslash{}";
    } else if (c == '~') {
      escaped += "\\textasciitilde{}";
    } else if (c == '^') {
      escaped += "\\textasciicircum{}";
    } else {
      if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

/// Returns the paper's columns, without CIDEr and the accuracy.
std::string latex_text(const EvalResult& result) {
  const auto& names = result.scored.table().names;
  std::string header = "% Method";
  for (const auto& name : names) {
    if (name != "CIDEr" && name != "change accuracy") header += " & " + name;
  }
  auto text = header + " \\\\  % " + tokenizer_note(result.scoring) + "\n";
  for (const auto* scored : all_models(result)) {
    text += latex_escaped(scored->name);
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] != "CIDEr" && names[i] != "change accuracy")
        text += " & " + percent(scored->table().corpus[i]);
    }
    text += " \\\\\n";
  }
  return text;
}

/// Returns a caption on one line, with terminal control characters escaped.
std::string shown(const std::string& text) {
  return printable(on_one_line(text));
}

std::string worst_pair(const Scored& scored, size_t pair) {
  const auto& sample = scored.set.samples[pair];
  std::string text = shown(sample.uid);
  for (size_t i = 0; i < scored.table().names.size(); ++i) {
    const double value = scored.table().pairs[pair][i];
    if (!std::isnan(value)) text += fmt::format("  {} {}", scored.table().names[i], percent(value));
  }
  text += fmt::format("\n  caption:   {}\n", shown(sample.prediction));
  for (const auto& reference : sample.references) text += fmt::format("  reference: {}\n", shown(reference));
  return text;
}

}  // namespace

std::string signed_percent(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:+.2f}", 100.0 * value);
}

std::string p_value(double p, int64_t resamples) {
  if (std::isnan(p)) return "-";
  const double least = 1.0 / static_cast<double>(resamples);
  return p < least ? fmt::format("<{:.3g}", least) : fmt::format("{:.3g}", p);
}

std::string percent(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.2f}", 100.0 * value);
}

std::string header_note(const EvalResult& result) {
  const auto& set = result.scored.set;
  auto note = fmt::format("{} pairs", set.samples.size());
  if (!result.scoring.split.empty()) note += fmt::format(" (split {})", result.scoring.split);
  note += fmt::format(", {} references each; {}", reference_counts(set), tokenizer_note(result.scoring));
  if (set.repeated > 0)
    note += fmt::format("; {} repeated entries count {}", set.repeated, name_of(result.scoring.repeats));
  if (set.merged > 0) note += fmt::format("; references of {} repeated entries merged", set.merged);
  return note + "\n";
}

std::string formatted(const EvalResult& result, TableFormat format) {
  switch (format) {
    case TableFormat::kJson:
      return json_text(result);
    case TableFormat::kCsv:
      return csv_text(result);
    case TableFormat::kLatex:
      return latex_text(result);
    case TableFormat::kMarkdown:
      return markdown_text(result);
    case TableFormat::kTable:
      break;
  }
  return text_table(result);
}

std::vector<size_t> worst_first(const eval::ScoreTable& table, const std::string& by) {
  const auto column =
      static_cast<size_t>(std::find(table.names.begin(), table.names.end(), by) - table.names.begin());
  std::vector<size_t> places(table.pairs.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    const double one = table.pairs[a][column], other = table.pairs[b][column];
    return std::isnan(other) ? !std::isnan(one) : one < other;
  });
  return places;
}

std::string worst_pairs(const Scored& scored, size_t count, const std::string& by) {
  auto places = worst_first(scored.table(), by);
  places.resize(std::min(places.size(), count));
  auto text = fmt::format("The {} worst pairs by {}:\n", places.size(), by);
  for (const size_t place : places) text += worst_pair(scored, place);
  return text;
}

std::string pair_scores(const Scored& scored, eval::Tokenizer tokenizer, bool csv) {
  const auto& table = scored.table();
  const auto tokenized = text_of(tokenizer);
  std::vector<std::string> header{"uid", "changed", "tokenizer", "prediction"};
  header.insert(header.end(), table.names.begin(), table.names.end());
  std::string text = csv ? csv_row(header) : "";
  for (size_t i = 0; i < table.pairs.size(); ++i) {
    const auto& sample = scored.set.samples[i];
    if (csv) {
      const std::string changed = sample.changed ? (*sample.changed ? "1" : "0") : "";
      text +=
          csv_row(row_of({sample.uid, changed, tokenized, sample.prediction}, table.pairs[i], csv_number));
      continue;
    }
    ordered_json object{{"uid", sample.uid},
                        {"changed", sample.changed ? ordered_json(*sample.changed) : ordered_json()},
                        {"tokenizer", tokenized},
                        {"prediction", sample.prediction},
                        {"references", sample.references}};
    for (size_t column = 0; column < table.names.size(); ++column)
      object["scores"][table.names[column]] = number(table.pairs[i][column]);
    text += object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace ccexpert::tools
