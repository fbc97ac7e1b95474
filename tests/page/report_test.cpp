#include "page/report.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "page/page.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::page {
namespace {

using nlohmann::json;
using test::content;
using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

image::Image grey(int64_t height, int64_t width, uint8_t value) {
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width), value)};
}

/// Returns the texts of the script elements whose tag has `mark`.
std::vector<std::string> scripts(const std::string& html, const std::string& mark) {
  std::vector<std::string> found;
  for (size_t at = html.find("<script "); at != std::string::npos; at = html.find("<script ", at + 1)) {
    const auto start = html.find('>', at);
    if (html.substr(at, start - at).find(mark) == std::string::npos) continue;
    found.push_back(html.substr(start + 1, html.find("</script>", start) - start - 1));
  }
  return found;
}

TEST(Report, HasEachEntryWithItsImagesAndMaps) {
  const TemporaryFolder folder;
  ReportWriter writer(folder / "r.html", {.title = "Changes", .lead = "by a model"});
  ReportEntry entry{.uid = "a",
                    .order = 7,
                    .before = writer.add_image(grey(40, 80, 10)),
                    .after = writer.add_image(grey(40, 80, 200)),
                    .caption = "a house",
                    .logprob = -1.5,
                    .score = 0.25,
                    .changed = true,
                    .unsure = true,
                    .map = {.grid = 2, .values = {0, 0.5, 1, 2}, .covered = 0.9, .padded = true},
                    .words = {{"a", {.grid = 1, .values = {-1}}}, {"house", {.grid = 1, .values = {1}}}}};
  writer.add(entry);
  writer.add({.uid = "b",
              .order = 8,
              .before = {},
              .after = {},
              .caption = {},
              .logprob = {},
              .score = {},
              .changed = {},
              .error = "cannot be read"});
  EXPECT_FALSE(std::filesystem::exists(folder / "r.html")) << "a page appears when it is whole";
  writer.finish();
  const auto html = content(folder / "r.html");
  EXPECT_THAT(html, AllOf(HasSubstr("<h1>Changes</h1>\n<p class=\"lead\">by a model</p>"),
                          HasSubstr(asset("report.css")), HasSubstr(asset("report.js")),
                          HasSubstr(asset("report.html"))));
  EXPECT_TRUE(html.ends_with("</script>\n</body></html>\n"));
  const auto entries = scripts(html, "class=\"entry\"");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(
      json::parse(entries[0]),
      json::parse(R"({"uid": "a", "order": 7, "before": 0, "after": 1, "caption": "a house", "logprob": -1.5,
                            "score": 0.25, "changed": true, "unsure": true, "maps": "maps0"})"));
  EXPECT_EQ(json::parse(entries[1]), json::parse(R"({"uid": "b", "order": 8, "error": "cannot be read"})"));
  const auto maps = scripts(html, "id=\"maps0\"");
  ASSERT_EQ(maps.size(), 1U);
  EXPECT_EQ(json::parse(maps[0]),
            json::parse(R"({"map": "AID//w==", "words": [["a", "AA=="], ["house", "/w=="]],
                                                  "covered": 0.9, "padded": true})"));
  const auto images = scripts(html, "data-width=\"256\" data-height=\"128\"");
  ASSERT_EQ(images.size(), 2U);
  EXPECT_THAT(images[0], ::testing::StartsWith("data:image/webp;base64,UklGR"));
}

TEST(Report, NoTextBecomesMarkup) {
  const TemporaryFolder folder;
  const std::string evil = "</script><script>alert(1)</script><!--\xff";
  ReportWriter writer(folder / "r.html", {.title = evil, .lead = evil});
  writer.add({.uid = evil,
              .before = {},
              .after = {},
              .caption = evil,
              .logprob = {},
              .score = {},
              .changed = {},
              .words = {{evil, {.grid = 1, .values = {1}}}},
              .error = evil,
              .note = evil,
              .series = SeriesEntry{.place = evil, .from = evil, .to = evil}});
  writer.finish();
  const auto html = content(folder / "r.html");
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script>alert")), Not(HasSubstr("<!--"))));
  EXPECT_THAT(json::parse(scripts(html, "class=\"entry\"").at(0)).at("caption").get<std::string>(),
              ::testing::StartsWith("</script><script>alert(1)</script><!--"));
}

TEST(Report, NeedsNothingFromOutside) {
  const TemporaryFolder folder;
  ReportWriter writer(folder / "r.html", {.title = "t", .lead = {}});
  writer.finish();
  const auto html = content(folder / "r.html");
  for (const char* mark : {"http:", "https:", "src=", "href=", "@import", "url("})
    EXPECT_THAT(html, Not(HasSubstr(mark)));
}

TEST(Report, AnUnfinishedOneLeavesTheFormer) {
  const TemporaryFolder folder;
  const auto file = folder.write("r.html", "former");
  { ReportWriter(file, {.title = "t", .lead = {}}).add_image(grey(4, 4, 0)); }
  EXPECT_EQ(content(file), "former");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_THAT(test::error_of([&] { ReportWriter(folder / "none/r.html", {.title = "t", .lead = {}}); }),
              HasSubstr("none/r.html: cannot be written (No such file or directory)"));
}

TEST(Report, AnImageIsASmallOne) {
  const TemporaryFolder folder;
  ReportWriter writer(folder / "r.html", {.title = "t", .lead = {}});
  writer.finish();
  const auto bare = content(folder / "r.html").size();
  auto noise = grey(1000, 1000, 0);
  for (size_t i = 0; i < noise.pixels.size(); ++i) noise.pixels[i] = static_cast<uint8_t>(i * i / 7 % 251);
  ReportWriter full(folder / "r.html", {.title = "t", .lead = {}});
  for (int i = 0; i < 4; ++i) full.add_image(noise);
  full.finish();
  EXPECT_LT(content(folder / "r.html").size() - bare, 4U * 60'000);
}

TEST(Report, AHeatmapHasItsValues) {
  EXPECT_EQ(packed({.grid = 0, .values = {}}), "");
  EXPECT_EQ(packed({.grid = 1, .values = {std::numeric_limits<float>::quiet_NaN()}}), "AA==");
  EXPECT_EQ(test::error_of([] { packed({.grid = 2, .values = {1}}); }),
            "heatmap: expected 2 x 2 values, got 1");
}

}  // namespace
}  // namespace ccexpert::page
