#include "eval/html_report.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/rounded.h"
#include "eval/change_scores.h"
#include "eval/eval_format.h"
#include "eval/marked_words.h"
#include "page/html.h"
#include "page/page.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using page::html_escaped;

/// Browsers could not open a page with larger images.
constexpr uint64_t kLargestPicture = uint64_t{16} << 20;

ordered_json words_json(const std::vector<MarkedWord>& words) {
  auto list = ordered_json::array();
  for (const auto& word : words) list.push_back({word.text, word.mark});
  return list;
}

ordered_json scores_json(const std::vector<double>& values) {
  auto list = ordered_json::array();
  for (const double value : values)
    list.push_back(std::isnan(value) ? ordered_json() : ordered_json(rounded(value, 1e5)));
  return list;
}

void add_images(ordered_json& pair, const fs::path& before, const fs::path& after, bool wanted) {
  if (before.empty() || after.empty()) {
    pair["note"] = "no image paths in the files";
  } else if (!wanted) {
    pair["note"] = "left out of the page (--html-images)";
  } else {
    const auto first = page::picture_address(before, kLargestPicture);
    const auto second = page::picture_address(after, kLargestPicture);
    if (first.empty()) pair["note"] = "no image that a browser can show: " + before.string();
    if (second.empty()) pair["note"] = "no image that a browser can show: " + after.string();
    pair["before"] = first;
    pair["after"] = second;
  }
}

/// Returns one model's caption of a pair and the best-matching reference.
ordered_json said_json(const Scored& scored, size_t place, WordMarker& marker, size_t& best) {
  const auto marked = marker.mark(scored.set.samples[place]);
  best = marked.reference;
  return {{"said", words_json(marked.prediction)},
          {"best", words_json(marked.words)},
          {"scores", scores_json(scored.table().pairs[place])}};
}

ordered_json pair_json(const EvalResult& result, size_t place, WordMarker& marker, bool with_images) {
  const auto& scored = result.scored;
  const auto& sample = scored.set.samples[place];
  ordered_json pair{{"uid", sample.uid},
                    {"changed", sample.changed ? ordered_json(*sample.changed) : ordered_json()},
                    {"models", ordered_json::array()}};
  std::set<size_t> shown;
  std::string text;
  for (const auto* model : all_models(result)) {
    size_t best = 0;
    pair["models"].push_back(said_json(*model, place, marker, best));
    shown.insert(best);
    text += model->set.samples[place].prediction + " ";
  }
  auto others = ordered_json::array();
  for (size_t i = 0; i < sample.references.size(); ++i) {
    if (!shown.contains(i)) others.push_back(sample.references[i]);
    text += sample.references[i] + " ";
  }
  pair["text"] = text;
  pair["others"] = others;
  add_images(pair, scored.set.before[place], scored.set.after[place], with_images);
  return pair;
}

std::string table_cell(double value) {
  return std::isnan(value) ? "<td>-</td>" : fmt::format("<td>{:.2f}</td>", 100.0 * value);
}

std::string summary_table(const Scored& scored) {
  std::string text = "<table><tr><th></th><th>pairs</th>";
  for (const auto& name : scored.table().names) text += "<th>" + html_escaped(name) + "</th>";
  text += "</tr>\n";
  for (const auto& subset : scored.subsets) {
    text += fmt::format("<tr><td>{}</td><td>{}</td>", subset.name, subset.pairs.size());
    for (const double value : subset.table.corpus) text += table_cell(value);
    text += "</tr>\n";
    if (subset.intervals.empty()) continue;
    text += "<tr class=\"low\"><td>interval</td><td></td>";
    for (const auto& [low, high] : subset.intervals)
      text +=
          std::isnan(low) ? "<td>-</td>" : fmt::format("<td>{:.1f}–{:.1f}</td>", 100.0 * low, 100.0 * high);
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

std::string difference_cell(const eval::Difference& difference, int64_t resamples) {
  return fmt::format("<td>{}<br><span class=\"low\">{} to {}<br>p {}</span></td>",
                     signed_percent(difference.value), signed_percent(difference.interval.low),
                     signed_percent(difference.interval.high),
                     html_escaped(p_value(difference.p, resamples)));
}

/// Returns the differences of the first predictions to others, and the others' scores.
std::string comparison(const EvalResult& result, const Scored& baseline) {
  auto text = fmt::format(
      "<h2>compared with {}</h2>\n<p>Differences, their {:g} % intervals and p of the two-sided paired "
      "bootstrap test, {} resamples; {} predictions of pairs missing in some files are left out.</p>\n",
      html_escaped(baseline.name), 100.0 * result.scoring.confidence, result.scoring.resamples,
      result.left_out);
  text += "<table><tr><th></th>";
  for (const auto& name : result.scored.table().names) text += "<th>" + html_escaped(name) + "</th>";
  text += "</tr>\n";
  for (const auto& subset : baseline.subsets) {
    text += fmt::format("<tr><td>{}</td>", subset.name);
    for (const auto& each : subset.differences) text += difference_cell(each, result.scoring.resamples);
    text += "</tr>\n";
  }
  return text + "</table>\n" + summary_table(baseline);
}

std::string heading(const EvalResult& result) {
  const auto& set = result.scored.set;
  auto text = fmt::format("<p>{} pairs, {} references each, tokenizer {}", set.samples.size(),
                          reference_counts(set), name_of(result.scoring.tokenizer));
  if (!set.missing.empty())
    text += fmt::format(", {} pairs without a prediction are left out", set.missing.size());
  if (set.repeated > 0)
    text += fmt::format(", {} repeated entries count {}", set.repeated, name_of(result.scoring.repeats));
  text += ".</p>\n" + summary_table(result.scored) + change_section(result.scored);
  for (const auto& each : result.baselines) text += comparison(result, each);
  return text;
}

}  // namespace

void write_html_report(const EvalCommand& command, const EvalResult& result,
                       const std::shared_ptr<const eval::MeteorData>& meteor) {
  const auto& scored = result.scored;
  WordMarker marker(meteor, result.scoring.tokenizer);
  auto worst = worst_first(scored.table(), text_of(command.worst_by));
  worst.resize(std::min(worst.size(), static_cast<size_t>(command.html_images)));
  const std::unordered_set<size_t> with_images(worst.begin(), worst.end());
  ordered_json data{{"names", scored.table().names},
                    {"by", text_of(command.worst_by)},
                    {"models", ordered_json::array()},
                    {"pairs", ordered_json::array()}};
  for (const auto* model : all_models(result)) data["models"].push_back(model->name);
  for (size_t i = 0; i < scored.set.samples.size(); ++i)
    data["pairs"].push_back(pair_json(result, i, marker, with_images.contains(i)));
  const page::Page page{.title = result.scored.name,
                        .body = heading(result) + std::string(page::asset("pairs.html")),
                        .script = "pairs.js",
                        .data = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
  write_file(command.html, page::to_html(page));
}

}  // namespace ccexpert::tools
