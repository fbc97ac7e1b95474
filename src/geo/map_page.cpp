#include "geo/map_page.h"

#include <algorithm>
#include <functional>

#include <nlohmann/json.hpp>

#include "geo/page_parts.h"
#include "page/page.h"

namespace ccexpert::geo {
namespace {

constexpr size_t kListedTiles = 200;
constexpr size_t kListedCaptions = 20;

std::string counts(const nlohmann::ordered_json& summary) {
  std::string rows;
  for (const auto& [name, value] : summary.at("tiles").items())
    rows += table_row({"tiles: " + name, value.dump()});
  for (const char* name :
       {"valid_share", "masked_share", "captioned_area_m2", "changed_area_m2", "changed_areas"})
    rows += table_row({name, summary.at(name).dump()});
  return "<h2>Counts</h2>\n" + table({}, rows);
}

std::string frequent(const std::vector<ListedTile>& tiles) {
  std::vector<std::string> captions;
  for (const auto& tile : tiles) captions.push_back(tile.caption);
  return "<h2>Most frequent changes</h2>\n" + frequent_captions(captions, kListedCaptions);
}

std::string strongest(std::vector<ListedTile> tiles) {
  std::ranges::stable_sort(tiles, std::greater<>(), &ListedTile::score);
  tiles.resize(std::min(tiles.size(), kListedTiles));
  std::string rows;
  for (const auto& tile : tiles)
    rows += table_row({tile.caption, std::to_string(tile.tile), score_text(tile.score)});
  return "<h2>Changes with the highest scores</h2>\n" + table({"caption", "tile", "score"}, rows);
}

}  // namespace

std::string map_page(const Plan& plan, const nlohmann::ordered_json& summary, MapPage page) {
  std::string body = to_html(Figure{page.dates[0], "before: " + plan.before}) +
                     to_html(Figure{page.dates[1], "after: " + plan.after}) +
                     to_html(Figure{page.change, "changed ground, over the later date"});
  body += counts(summary) + frequent(page.tiles);
  body += strongest(std::move(page.tiles));
  return page::to_html(
      {.title = "Changes from " + plan.before + " to " + plan.after, .body = std::move(body)});
}

}  // namespace ccexpert::geo
