#include "geo/series_page.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "geo/page_parts.h"
#include "page/html.h"
#include "page/page.h"

namespace ccexpert::geo {
namespace {

using page::html_escaped;

constexpr size_t kListedChanges = 200;
constexpr size_t kListedCaptions = 5;

/// Writer of the sections of a page.
class Sections {
 public:
  Sections(const Plan& plan, const SeriesPage& page) : plan_(plan), page_(page) {}

  std::string overview(const nlohmann::ordered_json& summary) const {
    std::string rows;
    for (const auto& pair : page_.pairs) {
      const auto& counts = pair.counts;
      rows += table_row(
          {name(pair.dates.from), name(pair.dates.to),
           fmt::format("{} of {}", counts.changed, counts.captioned + counts.quiet + counts.skipped),
           std::to_string(counts.transient), fmt::format("{:.0f} m²", counts.area),
           std::to_string(counts.quiet), std::to_string(counts.skipped)});
    }
    const auto& tiles = summary.at("tiles");
    return fmt::format("<p>{} dates, {} tiles, of which {} were skipped and {} failed.</p>\n{}",
                       plan_.series.size(), tiles.at("all").dump(), tiles.at("skipped").dump(),
                       tiles.at("failed").dump(),
                       table({"from", "to", "changed tiles", "of these, come and go", "changed ground",
                              "below the threshold", "skipped"},
                             rows));
  }

  /// The dates in a row, for the eye to go over.
  std::string dates() const {
    std::string figures;
    for (size_t i = 0; i < page_.dates.size(); ++i) {
      const auto& date = plan_.series[i];
      const auto time = date.time.empty() ? "" : ", " + date.time.substr(0, 10);
      figures +=
          figure(page_.dates[i], "date " + date.name + (time.starts_with(", " + date.name) ? "" : time));
    }
    return "<h2>Dates</h2>\n" + figures;
  }

  std::string pairs() const {
    std::string text;
    for (const auto& pair : page_.pairs) {
      const bool is_span = pair.dates.kind == PairKind::kSpan;
      text += fmt::format("<h2>{} \u2192 {}{}</h2>\n", html_escaped(name(pair.dates.from)),
                          html_escaped(name(pair.dates.to)), is_span ? " (first and last)" : "");
      text += figure(pair.change, fmt::format("changed ground, over {}", name(pair.dates.to)));
      text += frequent(pair.dates);
    }
    return text;
  }

  std::string transient() const {
    std::vector<const SeriesPage::Change*> changes;
    for (const auto& change : page_.changes) {
      if (change.dates.transient.value_or(false)) changes.push_back(&change);
    }
    if (changes.empty()) return "";
    return "<h2>Changes that come and go in one date</h2>\n" + table_of(std::move(changes));
  }

  std::string strongest() const {
    std::vector<const SeriesPage::Change*> changes;
    for (const auto& change : page_.changes) changes.push_back(&change);
    return "<h2>Changes with the highest scores</h2>\n" + table_of(std::move(changes));
  }

 private:
  const std::string& name(int64_t date) const { return plan_.series.at(static_cast<size_t>(date)).name; }

  static std::string figure(const image::Image& picture, std::string caption) {
    return to_html(Figure{picture, std::move(caption), 260, true});
  }

  /// Returns the captions of a pair that occur most often.
  std::string frequent(const SeriesPair& dates) const {
    std::vector<std::string> captions;
    for (const auto& change : page_.changes) {
      if (change.dates.kind == dates.kind && change.dates.to == dates.to) captions.push_back(change.caption);
    }
    if (captions.empty()) return "<p>No tile tells of a change.</p>\n";
    return frequent_captions(captions, kListedCaptions);
  }

  /// Returns a table of the changes with the highest scores.
  std::string table_of(std::vector<const SeriesPage::Change*> changes) const {
    std::ranges::stable_sort(changes, std::greater<>(), [](const auto* change) { return change->score; });
    changes.resize(std::min(changes.size(), kListedChanges));
    std::string rows;
    for (const auto* change : changes) {
      rows += table_row({name(change->dates.from), name(change->dates.to), change->caption,
                         std::to_string(change->tile), score_text(change->score)});
    }
    return table({"from", "to", "caption", "tile", "score"}, rows);
  }

  const Plan& plan_;
  const SeriesPage& page_;
};

}  // namespace

std::string series_page(const Plan& plan, const nlohmann::ordered_json& summary, const SeriesPage& page) {
  const Sections sections(plan, page);
  return page::to_html(
      {.title = fmt::format("Changes from {} to {}", plan.series.front().name, plan.series.back().name),
       .body = sections.overview(summary) + sections.dates() + sections.pairs() + sections.transient() +
               sections.strongest()});
}

}  // namespace ccexpert::geo
