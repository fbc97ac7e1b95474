#include "geo/map_page.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "page/html.h"
#include "page/page.h"
#include "page/thumbnails.h"

namespace ccexpert::geo {
namespace {

constexpr size_t kListedTiles = 200;
constexpr size_t kListedCaptions = 20;

std::string figure(const image::Image& picture, std::string_view caption) {
  return fmt::format(
      "<figure><img src=\"{}\" alt=\"{}\" style=\"max-width:100%;width:340px\"><figcaption>{}"
      "</figcaption></figure>\n",
      page::webp_uri(picture), page::html_escaped(caption), page::html_escaped(caption));
}

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", page::html_escaped(name),
                     page::html_escaped(value));
}

std::string counts(const nlohmann::ordered_json& summary) {
  std::string rows;
  for (const auto& [name, value] : summary.at("tiles").items()) rows += row("tiles: " + name, value.dump());
  for (const char* name :
       {"valid_share", "masked_share", "captioned_area_m2", "changed_area_m2", "changed_areas"})
    rows += row(name, summary.at(name).dump());
  return "<h2>Counts</h2>\n<table>\n" + rows + "</table>\n";
}

/// Returns the captions that occur most often.
std::string frequent(const std::vector<ListedTile>& tiles) {
  std::map<std::string, int64_t> times;
  for (const auto& tile : tiles) ++times[tile.caption];
  std::vector<std::pair<std::string, int64_t>> order(times.begin(), times.end());
  std::ranges::stable_sort(order, std::greater<>(), &std::pair<std::string, int64_t>::second);
  order.resize(std::min(order.size(), kListedCaptions));
  std::string rows = "<tr><th>caption</th><th>tiles</th></tr>\n";
  for (const auto& [caption, count] : order) rows += row(caption, std::to_string(count));
  return "<h2>Most frequent changes</h2>\n<table>\n" + rows + "</table>\n";
}

std::string strongest(std::vector<ListedTile> tiles) {
  std::ranges::stable_sort(tiles, std::greater<>(), &ListedTile::score);
  tiles.resize(std::min(tiles.size(), kListedTiles));
  std::string rows = "<tr><th>caption</th><th>tile</th><th>score</th></tr>\n";
  for (const auto& tile : tiles) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.3f}</td></tr>\n", page::html_escaped(tile.caption),
                        tile.tile, tile.score);
  }
  return "<h2>Changes with the highest scores</h2>\n<table>\n" + rows + "</table>\n";
}

}  // namespace

std::string map_page(const Plan& plan, const nlohmann::ordered_json& summary, MapPage page) {
  std::string body = figure(page.dates[0], "before: " + plan.before) +
                     figure(page.dates[1], "after: " + plan.after) +
                     figure(page.change, "changed ground, over the later date");
  body += counts(summary) + frequent(page.tiles);
  body += strongest(std::move(page.tiles));
  return page::to_html(
      {.title = "Changes from " + plan.before + " to " + plan.after, .body = std::move(body)});
}

}  // namespace ccexpert::geo
