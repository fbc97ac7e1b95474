// The report in a real browser.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "page/report.h"
#include "support/browser.h"

namespace ccexpert::page {
namespace {

using nlohmann::json;

class ReportBrowser : public test::BrowserTest {};

image::Image grey(uint8_t value) {
  return {30, 40, std::vector<uint8_t>(static_cast<size_t>(3 * 30 * 40), value)};
}

TEST_F(ReportBrowser, CardsFilterSortSwipeAndWordsWork) {
  ReportWriter writer(folder_ / "r.html", {.title = "t", .lead = "l"});
  for (int i = 0; i < 40; ++i) {
    writer.add({.uid = fmt::format("pair {}", i),
                .order = i,
                .before = writer.add_image(grey(10)),
                .after = writer.add_image(grey(200)),
                .caption = i % 4 == 0 ? "a road <b>" : "there is no difference .",
                .logprob = -1.0 - i,
                .score = 0.02 * i,
                .changed = i % 4 == 0,
                .unsure = i == 3,
                .map = {.grid = 2, .values = {0, 0, 0, 1}},
                .words = {{i % 4 == 0 ? "road" : "there", {.grid = 2, .values = {1, 0, 0, 0}}}}});
  }
  writer.add({.uid = "bad",
              .order = 40,
              .before = {},
              .after = {},
              .caption = {},
              .logprob = {},
              .score = {},
              .changed = {},
              .error = "cannot be <i>read</i>"});
  writer.finish();
  const auto result = seen(folder_ / "r.html", R"(async function look(result) {
    result.cards = shown().length;
    result.markup = document.querySelectorAll('.card b, .card i').length;
    result.lazy = document.querySelectorAll('.card img').length;
    result.nameless = nameless();
    await change('show', 'changed', 'change');
    result.changed = shown().length;
    await change('find', 'PAIR 12');
    result.found = shown();
    await change('find', '');
    await change('show', 'unsure', 'change');
    result.unsure = shown();
    await change('show', 'failed', 'change');
    result.failed = shown();
    await change('show', 'all', 'change');
    await change('threshold', '0.5');
    result.scored = shown().length;
    await change('threshold', '0');
    await change('sort', 'most changed', 'change');
    result.most = shown()[0];
    await change('sort', 'least probable caption', 'change');
    result.least = shown()[0];
    await change('sort', 'input order', 'change');
    const stage = document.querySelector('.stage'), swipe = stage.querySelector('.swipe');
    swipe.value = 20;
    swipe.dispatchEvent(new Event('input'));
    result.clip = getComputedStyle(stage.querySelector('.after')).clipPath;
    result.swiped = swipe.getAttribute('aria-valuetext');
    await change('heat', '30');
    result.heat = getComputedStyle(stage.querySelector('.heat')).opacity;
    result.heatName = stage.querySelector('.heat').ariaLabel;
    const word = document.querySelector('.word');
    word.focus();
    result.lit = stage.classList.contains('lit');
    result.pixel = [...stage.querySelector('.place').getContext('2d').getImageData(0, 0, 2, 1).data].map(v => v > 0);
    result.word = word.ariaLabel;
    word.blur();
    result.dark = stage.classList.contains('lit');
    result.count = document.getElementById('count').textContent;
  })");
  EXPECT_EQ(result.value("errors", json("none")), json::array()) << result.dump();
  EXPECT_EQ(result["cards"], 41);
  EXPECT_EQ(result["markup"], 0);
  EXPECT_GT(result["lazy"], 0);
  EXPECT_LT(result["lazy"], 80) << "images of far cards wait";
  EXPECT_EQ(result["nameless"], 0);
  EXPECT_EQ(result["changed"], 10);
  EXPECT_EQ(result["found"], json::array({"pair 12"}));
  EXPECT_EQ(result["unsure"], json::array({"pair 3"}));
  EXPECT_EQ(result["failed"], json::array({"bad"}));
  EXPECT_EQ(result["scored"], 15);
  EXPECT_EQ(result["most"], "pair 39");
  EXPECT_EQ(result["least"], "pair 39");
  EXPECT_EQ(result["clip"], "inset(0px 0px 0px 20%)");
  EXPECT_EQ(result["swiped"], "20 % before");
  EXPECT_EQ(result["heat"], "0.3");
  EXPECT_EQ(result["heatName"], "heatmap of change, strongest at the lower right");
  EXPECT_EQ(result["lit"], true);
  EXPECT_EQ(result["pixel"], json({true, true, false, true, false, false, false, false}));
  EXPECT_EQ(result["word"], "road, strongest at the upper left");
  EXPECT_EQ(result["dark"], false);
  EXPECT_EQ(result["count"], "41 pairs");
}

TEST_F(ReportBrowser, DatesOfAPlaceAreTabs) {
  ReportWriter writer(folder_ / "r.html", {.title = "t", .lead = "l"});
  const auto a = writer.add_image(grey(10)), b = writer.add_image(grey(90)), c = writer.add_image(grey(10));
  const auto add = [&](int64_t order, int64_t before, int64_t after, const SeriesEntry& series) {
    writer.add({.uid = std::to_string(order),
                .order = order,
                .before = before,
                .after = after,
                .caption = "caption " + std::to_string(order),
                .logprob = {},
                .score = {},
                .changed = true,
                .series = series});
  };
  // A resumed run has another order of rows.
  add(2, b, c, {.place = "p", .from = "2", .to = "3", .transient = true});
  add(0, a, b, {.place = "p", .from = "1", .to = "2", .transient = true});
  add(1, a, c, {.place = "p", .from = "1", .to = "3", .kind = SeriesKind::kAround, .transient = true});
  add(3, a, c, {.place = "p", .from = "1", .to = "3", .kind = SeriesKind::kSpan});
  writer.finish();
  const auto result = seen(folder_ / "r.html", R"(async function look(result) {
    const text = () => document.querySelector('.panel h3').textContent;
    result.tabs = [...document.querySelectorAll('[role=tab]')].map(each => each.ariaLabel);
    result.first = text();
    result.note = document.querySelector('.panel .note').textContent;
    document.querySelector('[role=tab][aria-selected=true]').focus();
    press('ArrowRight');
    result.second = text();
    press('End');
    result.last = text();
    result.selected = document.querySelectorAll('[aria-selected=true]').length;
    result.stops = document.querySelectorAll('[role=tab][tabindex="0"]').length;
    result.nameless = nameless();
    result.count = document.getElementById('count').textContent;
  })");
  EXPECT_EQ(result.value("errors", json("none")), json::array()) << result.dump();
  EXPECT_EQ(result["tabs"], json({"1 to 2, comes and goes, caption 0", "2 to 3, comes and goes, caption 2",
                                  "1 to 3, changed, caption 3"}));
  EXPECT_EQ(result["first"], "1 \u2192 2");
  EXPECT_EQ(result["note"], "1 against 3: caption 1");
  EXPECT_EQ(result["second"], "2 \u2192 3");
  EXPECT_EQ(result["last"], "1 \u2192 3");
  EXPECT_EQ(result["selected"], 1);
  EXPECT_EQ(result["stops"], 1);
  EXPECT_EQ(result["nameless"], 0);
  EXPECT_EQ(result["count"], "1 place");
}

TEST_F(ReportBrowser, DatesAroundOneNeedNoCaption) {
  ReportWriter writer(folder_ / "r.html", {.title = "t", .lead = "l"});
  const auto a = writer.add_image(grey(10)), b = writer.add_image(grey(90));
  const auto add = [&](int64_t order, const SeriesEntry& series) {
    writer.add({.uid = std::to_string(order),
                .order = order,
                .before = a,
                .after = b,
                .caption = series.kind == SeriesKind::kStep ? "a house" : "",
                .logprob = {},
                .score = {},
                .changed = series.kind == SeriesKind::kStep,
                .series = series});
  };
  add(0, {.place = "p", .from = "1", .to = "2", .transient = true});
  add(1, {.place = "p", .from = "1", .to = "3", .kind = SeriesKind::kAround, .transient = true});
  add(2, {.place = "p", .from = "2", .to = "3", .transient = true});
  writer.finish();
  const auto result = seen(folder_ / "r.html", R"(async function look(result) {
    result.note = document.querySelector('.panel .note').textContent;
  })");
  EXPECT_EQ(result["note"], "1 against 3: no caption") << result.dump();
}

}  // namespace
}  // namespace ccexpert::page
