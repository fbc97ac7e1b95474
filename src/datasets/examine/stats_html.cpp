#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "datasets/shared/stats.h"
#include "page/html.h"
#include "page/page.h"
#include "page/thumbnails.h"

namespace ccexpert::datasets {
namespace {

using page::html_escaped;
using Bars = std::vector<std::pair<std::string, int64_t>>;

/// Draws the columns of a histogram with their numbers below.
std::string columns_plot(const std::string& title, const Bars& bars) {
  constexpr int kHeight = 140, kStep = 18;
  int64_t most = 1;
  for (const auto& [name, count] : bars) most = std::max(most, count);
  std::string body;
  int x = 0;
  for (const auto& [name, count] : bars) {
    const auto height = static_cast<int>(static_cast<int64_t>(kHeight) * count / most);
    body += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}: {}</title></rect>"
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        x, kHeight - height, kStep - 3, height, name, count, x + kStep / 2 - 1, kHeight + 14, name);
    x += kStep;
  }
  return fmt::format(
      "<figure><svg width=\"{}\" height=\"{}\" role=\"img\" "
      "aria-label=\"{}\">{}</svg><figcaption>{}</figcaption></figure>\n",
      std::max(x, 10), kHeight + 20, html_escaped(title), body, html_escaped(title));
}

std::string rows_plot(const std::string& title, const Bars& bars) {
  constexpr int kWidth = 260, kStep = 18, kNames = 110;
  int64_t most = 1;
  for (const auto& [name, count] : bars) most = std::max(most, count);
  std::string body;
  int y = 0;
  for (const auto& [name, count] : bars) {
    const auto width = std::max<int>(1, static_cast<int>(static_cast<int64_t>(kWidth) * count / most));
    body += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{}\" y=\"{}\" width=\"{}\" "
        "height=\"{}\"/><text x=\"{}\" y=\"{}\">{}</text>",
        kNames - 6, y + 12, html_escaped(name), kNames, y + 2, width, kStep - 5, kNames + width + 5, y + 12,
        count);
    y += kStep;
  }
  return fmt::format(
      "<figure><svg width=\"{}\" height=\"{}\" role=\"img\" "
      "aria-label=\"{}\">{}</svg><figcaption>{}</figcaption></figure>\n",
      kNames + kWidth + 70, std::max(y, 10), html_escaped(title), body, html_escaped(title));
}

/// Returns a histogram of at most 40 columns and one for all larger values.
Bars columns_of(const std::map<int64_t, int64_t>& counts) {
  constexpr int64_t kMost = 40;
  Bars bars;
  for (const auto& [value, count] : counts) {
    if (value < kMost) {
      bars.emplace_back(std::to_string(value), count);
    } else if (bars.empty() || !bars.back().first.ends_with('+')) {
      bars.emplace_back(fmt::format("{}+", kMost), count);
    } else {
      bars.back().second += count;
    }
  }
  return bars;
}

Bars first_of(Bars bars, size_t most) {
  std::stable_sort(bars.begin(), bars.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  bars.resize(std::min(bars.size(), most));
  return bars;
}

std::string picture(const std::filesystem::path& file, const char* name, bool mask) {
  if (file.empty()) return "";
  try {
    constexpr int64_t kSide = 160;
    return fmt::format("<img alt=\"{}\" src=\"{}\">", name,
                       page::data_uri(page::thumbnail(image::decode_image(file), kSide, mask)));
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    return fmt::format("<em>{}</em> ", html_escaped(error.what()));
  }
}

std::string sample(const data::ChangeExample& pair) {
  std::string captions;
  for (const auto& caption : pair.captions) captions += fmt::format("<li>{}</li>", html_escaped(caption));
  const char* flag = !pair.changed ? "" : *pair.changed ? " · changed" : " · unchanged";
  return fmt::format(
      "<div class=\"pair\"><div class=\"images\">{}{}{}</div><div><div "
      "class=\"uid\">{}{}</div><ul>{}</ul></div></div>\n",
      picture(pair.before, "before", false), picture(pair.after, "after", false),
      picture(pair.mask, "mask", true), html_escaped(pair.uid), flag, captions);
}

}  // namespace

std::string stats_html(const Stats& stats, const std::string& title) try {
  auto body = fmt::format("<pre>{}</pre>\n", html_escaped(stats_table(stats)));
  body += "<h2>Captions</h2>\n" + columns_plot("words per caption", columns_of(stats.lengths));
  body += columns_plot("captions per pair", columns_of(stats.captions_per_pair));
  body += "<h2>Words</h2>\n" + rows_plot("most frequent words", first_of(stats.vocabulary, 30));
  const Bars pairs{{"changed", stats.changed},
                   {"unchanged", stats.unchanged},
                   {"unknown", stats.pairs - stats.changed - stats.unchanged}};
  body += "<h2>Pairs</h2>\n" + rows_plot("pairs by change", pairs);
  if (!stats.sizes.empty()) {
    body += rows_plot("sizes of images", first_of({stats.sizes.begin(), stats.sizes.end()}, 12));
  }
  body += "<h2>Samples</h2>\n";
  for (const auto& pair : stats.samples) body += sample(pair);
  return page::to_html({.title = title, .body = std::move(body)});
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
