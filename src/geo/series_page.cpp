#include "geo/series_page.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "page/html.h"
#include "page/page.h"
#include "page/thumbnails.h"

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
    std::string rows =
        "<tr><th>from</th><th>to</th><th>changed tiles</th><th>of these, come and go</th><th>changed "
        "ground</th><th>below the threshold</th><th>skipped</th></tr>\n";
    for (const auto& pair : page_.pairs) {
      const auto& counts = pair.counts;
      rows += fmt::format(
          "<tr><td>{}</td><td>{}</td><td>{} of {}</td><td>{}</td><td>{:.0f} m²</td><td>{}</td><td>{}</td>"
          "</tr>\n",
          name(pair.dates.from), name(pair.dates.to), counts.changed,
          counts.captioned + counts.quiet + counts.skipped, counts.transient, counts.area, counts.quiet,
          counts.skipped);
    }
    const auto& tiles = summary.at("tiles");
    return fmt::format(
        "<p>{} dates, {} tiles, of which {} were skipped and {} failed.</p>\n<table>\n{}</table>\n",
        plan_.series.size(), tiles.at("all").dump(), tiles.at("skipped").dump(), tiles.at("failed").dump(),
        rows);
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
      text += fmt::format("<h2>{} \u2192 {}{}</h2>\n", name(pair.dates.from), name(pair.dates.to),
                          is_span ? " (first and last)" : "");
      text += figure(pair.change, fmt::format("changed ground, over {}", plain(pair.dates.to)));
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
    return "<h2>Changes that come and go in one date</h2>\n" + table(std::move(changes));
  }

  std::string strongest() const {
    std::vector<const SeriesPage::Change*> changes;
    for (const auto& change : page_.changes) changes.push_back(&change);
    return "<h2>Changes with the highest scores</h2>\n" + table(std::move(changes));
  }

 private:
  const std::string& plain(int64_t date) const { return plan_.series.at(static_cast<size_t>(date)).name; }
  std::string name(int64_t date) const { return html_escaped(plain(date)); }

  static std::string figure(const image::Image& picture, std::string_view caption) {
    return fmt::format(
        "<figure style=\"display:inline-block;margin:0 12px 12px 0\"><img src=\"{0}\" alt=\"{1}\" "
        "style=\"max-width:100%;width:260px\"><figcaption>{1}</figcaption></figure>\n",
        page::webp_uri(picture), html_escaped(caption));
  }

  /// Returns the captions of a pair that occur most often.
  std::string frequent(const SeriesPair& dates) const {
    std::map<std::string, int64_t> times;
    for (const auto& change : page_.changes) {
      if (change.dates.kind == dates.kind && change.dates.to == dates.to) ++times[change.caption];
    }
    std::vector<std::pair<std::string, int64_t>> order(times.begin(), times.end());
    std::ranges::stable_sort(order, std::greater<>(), &std::pair<std::string, int64_t>::second);
    order.resize(std::min(order.size(), kListedCaptions));
    if (order.empty()) return "<p>No tile tells of a change.</p>\n";
    std::string rows = "<tr><th>caption</th><th>tiles</th></tr>\n";
    for (const auto& [caption, count] : order)
      rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(caption), count);
    return "<table>\n" + rows + "</table>\n";
  }

  /// Returns a table of the changes with the highest scores.
  std::string table(std::vector<const SeriesPage::Change*> changes) const {
    std::ranges::stable_sort(changes, std::greater<>(), [](const auto* change) { return change->score; });
    changes.resize(std::min(changes.size(), kListedChanges));
    std::string rows = "<tr><th>from</th><th>to</th><th>caption</th><th>tile</th><th>score</th></tr>\n";
    for (const auto* change : changes) {
      rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.3f}</td></tr>\n",
                          name(change->dates.from), name(change->dates.to), html_escaped(change->caption),
                          change->tile, change->score);
    }
    return "<table>\n" + rows + "</table>\n";
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
