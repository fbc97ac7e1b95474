#include "geo/page_parts.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "page/html.h"
#include "page/thumbnails.h"

namespace ccexpert::geo {
namespace {

using page::html_escaped;

std::string cells_of(const std::vector<std::string>& cells, const char* element) {
  std::string row = "<tr>";
  for (const auto& cell : cells) row += fmt::format("<{0}>{1}</{0}>", element, html_escaped(cell));
  return row + "</tr>\n";
}

}  // namespace

std::string to_html(const Figure& figure) {
  return fmt::format(
      "<figure{0}><img src=\"{1}\" alt=\"{2}\" style=\"max-width:100%;width:{3}px\"><figcaption>{2}"
      "</figcaption></figure>\n",
      figure.in_row ? " style=\"display:inline-block;margin:0 12px 12px 0\"" : "",
      page::webp_uri(figure.picture), html_escaped(figure.caption), figure.width);
}

std::string table_row(const std::vector<std::string>& cells) {
  return cells_of(cells, "td");
}

std::string table(const std::vector<std::string>& head, const std::string& rows) {
  return "<table>\n" + (head.empty() ? "" : cells_of(head, "th")) + rows + "</table>\n";
}

std::string frequent_captions(const std::vector<std::string>& captions, size_t most) {
  std::map<std::string, int64_t> times;
  for (const auto& caption : captions) ++times[caption];
  std::vector<std::pair<std::string, int64_t>> order(times.begin(), times.end());
  std::ranges::stable_sort(order, std::greater<>(), &std::pair<std::string, int64_t>::second);
  order.resize(std::min(order.size(), most));
  std::string rows;
  for (const auto& [caption, count] : order) rows += table_row({caption, std::to_string(count)});
  return table({"caption", "tiles"}, rows);
}

std::string score_text(double score) {
  return fmt::format("{:.3f}", score);
}

}  // namespace ccexpert::geo
