// Behaviour common to all sources: output, its timing, and handling of bad data.
#include <fstream>

#include <nlohmann/json.hpp>

#include "datasets/lists/entry.h"
#include "datasets/sources/conversion_fixture.h"

namespace ccexpert::datasets {
namespace {

/// Two folders with three pairs and a CSV whose second row is bad.
class BadData : public Conversion {
 protected:
  void SetUp() override {
    for (const auto* name : {"1", "2", "3"}) {
      image(fmt::format("before/{}.png", name));
      image(fmt::format("after/{}.png", name));
    }
  }
  void with_row(const std::string& row) const {
    file("captions.csv", "name,caption\n1.png,one\n" + row + "\n3.png,three\n");
  }
};

TEST_F(BadData, StopsWithFileEntryAndFieldAndWritesNothing) {
  with_row("missing.png,two");
  EXPECT_EQ(error_of([&] { converted(); }),
            fmt::format("{}: row 3: before: expected an image file, got {}, which does not exist",
                        in("captions.csv").string(), in("before/missing.png").string()));
  EXPECT_THAT(written(), ElementsAre());
  with_row("2.png, . ");
  EXPECT_EQ(error_of([&] { converted(); }),
            in("captions.csv").string() + ": row 3: captions: expected at least one with words, got 1 blank");
}

TEST_F(BadData, SkipCountsAndListsWhatItLeavesOut) {
  with_row("missing.png,two");
  auto skipping = options();
  skipping.on_error = OnError::kSkip;
  const auto summary = convert(skipping);
  EXPECT_EQ(summary.left_out, 1);
  EXPECT_EQ(summary.splits.at("train").pairs, 2);
  const auto left_out = nlohmann::json::parse(content("left-out.jsonl"));
  EXPECT_EQ(left_out["where"], in("captions.csv").string() + ": row 3");
  EXPECT_THAT(left_out["problem"].get<std::string>(), HasSubstr("before: expected an image file"));
  EXPECT_EQ(nlohmann::json::parse(content("conversion.json"))["left_out"], 1);
}

TEST_F(BadData, EveryEntryBadIsAnErrorAlsoWhereTheyAreSkipped) {
  file("captions.csv", "name,caption\nmissing.png,one\n");
  auto skipping = options();
  skipping.on_error = OnError::kSkip;
  EXPECT_THAT(error_of([&] { convert(skipping); }),
              HasSubstr("expected at least one pair, got none; 1 were left out"));
  EXPECT_THAT(written(), ElementsAre());
}

TEST_F(BadData, ImagesAreNotLookedForWhereNotAsked) {
  with_row("missing.png,two");
  auto trusting = options();
  trusting.check_images = false;
  EXPECT_EQ(convert(trusting).splits.at("train").pairs, 3);
}

TEST_F(BadData, ListsThatAreThereAreReplacedOnRequestOnly) {
  with_row("2.png,two");
  converted();
  const auto before = content("train.json");
  with_row("2.png,other");
  EXPECT_THAT(error_of([&] { converted(); }),
              HasSubstr("train.json: exists already (--overwrite replaces it)"));
  EXPECT_EQ(content("train.json"), before);
  auto replacing = options();
  replacing.overwrite = true;
  replacing.format = ListFormat::kJsonLines;
  convert(replacing);
  EXPECT_THAT(written(), ElementsAre("conversion.json", "train.jsonl"));
  EXPECT_THAT(content("train.jsonl"), HasSubstr("other"));
}

TEST_F(BadData, AStopLeavesNothing) {
  with_row("2.png,two");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(convert(options(), {}, stop.get_token()).interrupted);
  EXPECT_THAT(written(), ElementsAre());
}

TEST_F(BadData, PathsMoveWithBothFoldersOrAreAbsolute) {
  with_row("2.png,two");
  converted();
  EXPECT_THAT(content("train.json"), HasSubstr(R"("img1_path":"../in/before/1.png")"));
  auto absolute = options();
  absolute.overwrite = true;
  absolute.paths = PathStyle::kAbsolute;
  convert(absolute);
  EXPECT_THAT(content("train.json"),
              HasSubstr(fmt::format(R"("img1_path":"{}")", fs::canonical(in("before/1.png")).string())));
}

TEST_F(BadData, RawCaptionsStayAsTheyAre) {
  with_row("2.png,\" two  .\"");
  auto raw = options();
  raw.cleaning = CaptionCleaning::kRaw;
  convert(raw);
  EXPECT_EQ(pairs("train")[1].captions[0], " two  .");
}

TEST_F(BadData, UnknownSourcesAndLayoutsSayWhatIsKnown) {
  EXPECT_THAT(error_of([&] { converted("levir-c"); }), HasSubstr("did you mean levir-cc?"));
  fs::create_directories(folder_ / "empty");
  EXPECT_THAT(error_of([&] { recognise_source(folder_ / "empty"); }),
              ::testing::AllOf(HasSubstr("spot-the-diff"), HasSubstr("convert --list shows their layouts")));
  EXPECT_THAT(error_of([&] { recognise_source(folder_ / "nowhere"); }),
              HasSubstr("expected a folder, got none"));
}

class BadJson : public Conversion {
 protected:
  std::string error(const std::string& list) const {
    file("LevirCCcaptions.json", list);
    const auto text = error_of([&] { converted(); });
    const auto prefix = in("LevirCCcaptions.json").string();
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
};

TEST_F(BadJson, MessagesNameTheEntryAndTheField) {
  const auto entry = [](const std::string& fields) {
    return R"({"images": [{"filename": "a.png", )" + fields + "}]}";
  };
  EXPECT_EQ(error(entry(R"("filepath": "train")")), ": entry 1: sentences: expected a list, got none");
  EXPECT_EQ(error(entry(R"("filepath": "train", "sentences": [{"tokens": []}])")),
            ": entry 1: raw: expected a text, got none");
  EXPECT_EQ(error(entry(R"("filepath": "trein", "sentences": [])")),
            ": entry 1: split: expected train, val or test, got 'trein'");
  EXPECT_EQ(error(entry(R"("filepath": "train", "changeflag": 2, "sentences": [{"raw": "x"}])")),
            ": entry 1: changeflag: expected 0, 1, true or false, got 2");
  EXPECT_EQ(error(R"({"images": [3]})"), ": entry 1: entry: expected an object, got 3");
}

TEST_F(BadJson, FilesThatAreNoneAreErrorsAlsoWhereEntriesAreSkipped) {
  EXPECT_EQ(error(R"({"pictures": []})"), ": expected an object with an array 'images', got none");
  EXPECT_EQ(error("[]"), ": expected an object with an array 'images', got other text");
  EXPECT_THAT(error(R"({"images": [{"filename": )"), HasSubstr(": expected JSON, got parse error"));
  file("LevirCCcaptions.json", levir_list().substr(0, 300));
  auto skipping = options();
  skipping.on_error = OnError::kSkip;
  EXPECT_THAT(error_of([&] { convert(skipping); }), HasSubstr("expected JSON"));
}

TEST_F(BadJson, BlankSentencesAreDroppedAndCounted) {
  const auto list = [](const std::string& sentences) {
    return R"({"images": [{"filename": "a.png", "filepath": "train", "sentences": [)" + sentences + "]}]}";
  };
  images({"images/train/A/a.png", "images/train/B/a.png"});
  file("LevirCCcaptions.json", list(R"({"raw": ""}, {"raw": "a road ."}, {"raw": " ."})"));
  EXPECT_EQ(converted().blank_captions, 2);
  EXPECT_THAT(pairs("train")[0].captions, ElementsAre("a road."));
  fs::remove_all(folder_ / "out");
  EXPECT_EQ(error(list(R"({"raw": ""})")),
            ": entry 1: captions: expected at least one with words, got 1 blank");
}

TEST_F(Conversion, LinesThatAreNoJsonAreLeftOutAlone) {
  images({"a.png", "b.png"});
  file("rscc.jsonl", R"({"pre_image": "a.png", "post_image": "b.png", "change_caption": "A roof is gone."})"
                     "\n{\"pre_image\": \"b.png\n");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("rscc.jsonl: line 2: expected JSON"));
  auto skipping = options();
  skipping.on_error = OnError::kSkip;
  const auto summary = convert(skipping);
  EXPECT_EQ(summary.left_out, 1);
  EXPECT_EQ(summary.splits.at("train").pairs, 1);
}

TEST_F(Conversion, DescriptionsThatDoNotDifferAreNoChange) {
  images({"a.png", "b.png"});
  file("v.json", R"([{"image_path": "a.png", "caption": "A car.", "negatives": [
    {"edited_image_path": "b.png", "edited_caption": "A car."}]}])");
  EXPECT_THAT(
      error_of([&] { converted(); }),
      HasSubstr("entry 1: negatives[0]: edited_caption: expected a text other than caption, got 'A car.'"));
}

TEST_F(Conversion, AnOutputThatIsNotThereYetMayBeNamedRelatively) {
  file("LevirCCcaptions.json", levir_list());
  images({"images/train/A/train_000016.png"});
  auto asked = options();
  asked.check_images = false;
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  asked.input = "in";
  asked.output = "new/out";
  const auto problem = error_of([&] { convert(asked); });
  fs::current_path(before);
  EXPECT_EQ(problem, "no error");
  const auto pair = data::read_change_dataset(folder_ / "new/out/train.json").at(0);
  EXPECT_TRUE(fs::exists(pair.before)) << pair.before;
}

TEST_F(Conversion, DescriptionsWithoutFilesAreThoseOfOlderConversions) {
  file("LevirCCcaptions.json", levir_list());
  auto asked = options();
  asked.check_images = false;
  convert(asked);
  const auto description = folder_ / "out/conversion.json";
  auto json = nlohmann::json::parse(std::ifstream(description));
  json.erase("files");
  std::ofstream(description) << json;
  asked.overwrite = true;
  EXPECT_EQ(error_of([&] { convert(asked); }), "no error");
}

TEST_F(Conversion, WhatAFailedOneLeavesCanBeReplaced) {
  // A list cannot replace a folder that is not empty.
  file("LevirCCcaptions.json", levir_list());
  auto asked = options();
  asked.check_images = false;
  convert(asked);
  asked.overwrite = true;
  fs::remove(folder_ / "out/val.json");
  fs::create_directories(folder_ / "out/val.json/held");
  EXPECT_THAT(error_of([&] { convert(asked); }),
              HasSubstr("val.json: expected a regular file, got a folder"));
  fs::remove_all(folder_ / "out/val.json");
  EXPECT_EQ(error_of([&] { convert(asked); }), "no error");
}

TEST(SplitInName, IsAWordOfIt) {
  for (const char* name : {"LevirTest.json", "LEVIRtest.json", "RSCC_captionTest2.json", "test.json"})
    EXPECT_EQ(split_in_name(name), "test") << name;
  for (const char* name : {"latest_train.json", "interval.json", "retrieval_attest.json"})
    EXPECT_EQ(split_in_name(name), "train") << name;
}

TEST_F(Conversion, ADeepDescriptionIsOfAnotherProgram) {
  image("before/1.png");
  image("after/1.png");
  fs::create_directories(folder_ / "out");
  folder_.write("out/conversion.json", std::string(100'000, '[') + std::string(100'000, ']'));
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("expected a description of an earlier conversion"));
}

}  // namespace
}  // namespace ccexpert::datasets
