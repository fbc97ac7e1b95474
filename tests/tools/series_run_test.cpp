#include "caption/series_run.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"

namespace ccexpert::tools {
namespace {

using nlohmann::json;
using test::content;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Says that images of one grey are the same.
std::vector<Caption> fake_changes(std::span<const ImagePair> pairs, const CaptionOptions& options) {
  auto captions = test::fake_captions(pairs, options);
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].before.data[0] == pairs[i].after.data[0]) captions[i].text = "there is no difference .";
  }
  return captions;
}

class SeriesRun : public ::testing::Test {
 protected:
  /// Writes the dates of a place: an image of each grey.
  void make_place(const std::string& name, const std::vector<uint8_t>& greys) {
    for (size_t i = 0; i < greys.size(); ++i)
      test::write_image(folder_ / "series" / name / fmt::format("{}.png", 2010 + i), greys[i]);
    command_.series = folder_ / "series";
    command_.output = folder_ / "out";
    command_.format = data::PredictionFormat::kJsonLines;
    command_.quiet = true;
  }

  RunSummary run(const CaptionBatch& model = fake_changes, const std::stop_token& stop = {}) {
    const auto places = series_of(command_);
    auto writer = writer_of(command_, "run");
    return caption_series(command_, places, model, {writer}, stop);
  }

  std::vector<json> rows() const {
    std::istringstream text(content(command_.output));
    std::vector<json> rows;
    for (std::string line; std::getline(text, line);) rows.push_back(json::parse(line));
    return rows;
  }

  /// Returns "kind from-to caption", with a mark at the end for what comes and goes.
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const auto& row : rows()) {
      lines.push_back(
          fmt::format("{} {}-{} {}{}", row.at("kind").get<std::string>(), row.at("from").get<std::string>(),
                      row.at("to").get<std::string>(), row.value("caption", row.value("error", "")),
                      row.contains("transient") ? row.at("transient").get<bool>() ? " !" : "" : " ?"));
    }
    return lines;
  }

  TemporaryFolder folder_;
  CaptionCommand command_;
};

TEST_F(SeriesRun, StepsAndTheFirstAgainstTheLastDate) {
  make_place("a", {10, 10, 20, 20});
  make_place("b", {30, 40});
  const auto summary = run();
  EXPECT_EQ(summary.captioned, 5);
  EXPECT_THAT(told(), ElementsAre("step 2010-2011 there is no difference .", "step 2011-2012 from 10 to 20",
                                  "step 2012-2013 there is no difference .", "span 2010-2013 from 10 to 20 ?",
                                  "step 2010-2011 from 30 to 40"));
  const auto row = rows()[1];
  EXPECT_EQ(row.at("uid"), "a: 2011 - 2012");
  EXPECT_EQ(row.at("place"), "a");
  EXPECT_EQ(row.at("changed"), true);
  EXPECT_EQ(row.at("before"), (folder_ / "series/a/2011.png").string());
  EXPECT_EQ(rows()[0].at("changed"), false);
}

TEST_F(SeriesRun, AChangeOfOneDateIsMarkedWhateverTheBatch) {
  make_place("a", {10, 90, 10, 20, 30});
  command_.overwrite = true;
  for (const int64_t batch : {1, 2, 3, 8}) {
    command_.batch_size = batch;
    run();
    EXPECT_THAT(told(),
                ElementsAre("step 2010-2011 from 10 to 90 !", "around 2010-2012 there is no difference . !",
                            "step 2011-2012 from 90 to 10 !", "around 2011-2013 from 90 to 20",
                            "step 2012-2013 from 10 to 20", "around 2012-2014 from 10 to 30",
                            "step 2013-2014 from 20 to 30", "span 2010-2014 from 10 to 30 ?"))
        << batch;
  }
}

TEST_F(SeriesRun, OnlyDatesBetweenTwoChangesAreExamined) {
  make_place("a", {10, 20, 20, 30});
  int64_t pairs = 0;
  run([&](std::span<const ImagePair> batch, const CaptionOptions& options) {
    pairs += static_cast<int64_t>(batch.size());
    return fake_changes(batch, options);
  });
  EXPECT_EQ(pairs, 4) << "three steps and the span";
}

TEST_F(SeriesRun, ResumedEqualsUninterrupted) {
  make_place("a", {10, 90, 10, 20, 30});
  make_place("b", {1, 2, 1});
  command_.batch_size = 2;
  run();
  const auto whole = content(command_.output);
  command_.resume = true;
  for (size_t cut = 0; cut <= whole.size(); cut += 97) {
    folder_.write("out", whole.substr(0, cut));
    run();
    EXPECT_EQ(content(command_.output), whole) << "cut after " << cut;
  }
}

TEST_F(SeriesRun, AnUnreadableDateFailsItsPairsAndLeavesTheRestUnknown) {
  make_place("a", {10, 20, 30, 40});
  folder_.write("series/a/2013.png", "no image");
  const auto summary = run();
  EXPECT_EQ(summary.failed, 2);
  const auto lines = told();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "step 2010-2011 from 10 to 20");
  EXPECT_EQ(lines[1], "around 2010-2012 from 10 to 30");
  EXPECT_EQ(lines[2], "step 2011-2012 from 20 to 30 ?") << "its later step is unknown";
  EXPECT_THAT(lines[3], HasSubstr("2013.png: "));
  test::write_image(folder_ / "series/a/2013.png", 40);
  command_.resume = true;
  EXPECT_EQ(run().failed, 0);
  EXPECT_THAT(told(), ElementsAre("step 2010-2011 from 10 to 20", "around 2010-2012 from 10 to 30",
                                  "step 2011-2012 from 20 to 30 ?", "around 2011-2013 from 20 to 40",
                                  "step 2012-2013 from 30 to 40", "span 2010-2013 from 10 to 40 ?"));
}

TEST_F(SeriesRun, AStopKeepsWholeBatchesOnly) {
  make_place("a", {10, 20, 20, 20, 20});
  command_.batch_size = 1;
  std::stop_source source;
  int calls = 0;
  const auto summary = run(
      [&](std::span<const ImagePair> pairs, const CaptionOptions& options) {
        if (++calls == 3) source.request_stop();
        return fake_changes(pairs, options);
      },
      source.get_token());
  EXPECT_TRUE(summary.interrupted);
  EXPECT_THAT(told(), ElementsAre("step 2010-2011 from 10 to 20"));
}

TEST_F(SeriesRun, TheReportHasAnImageForEachDate) {
  make_place("a", {10, 90, 10, 20});
  command_.report = folder_ / "r.html";
  const auto places = series_of(command_);
  const auto all = all_pairs(places);
  auto writer = writer_of(command_, "run");
  CaptionReport report(command_, all);
  caption_series(command_, places, fake_changes, {writer, &report}, {});
  report.finish();
  const auto page = content(folder_ / "r.html");
  const auto count = [&](const std::string& mark) {
    size_t found = 0;
    for (auto at = page.find(mark); at != std::string::npos; at = page.find(mark, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("type=\"text/plain\" id=\"image"), 4U);
  EXPECT_EQ(count("class=\"entry\""), rows().size());
  EXPECT_EQ(count("\"transient\":true"), 3U);
}

}  // namespace
}  // namespace ccexpert::tools
