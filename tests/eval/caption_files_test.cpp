#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/caption_files.h>
#include <ccexpert/eval/metrics.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CaptionFiles : public ::testing::Test {
 protected:
  std::vector<CaptionEntry> predictions(const std::string& text) {
    return read_predictions(folder_.write("p.jsonl", text));
  }
  std::vector<CaptionEntry> references(const std::string& text, const std::string& split = "test") {
    return read_references(folder_.write("r.json", text), split);
  }
  static EvaluationSet set_of(const std::vector<CaptionEntry>& said,
                              const std::vector<CaptionEntry>& expected = {}) {
    return evaluation_set(said, expected, levir_cc_unchanged_sentences());
  }

  test::TemporaryFolder folder_;
};

constexpr const char* kLevir = R"({"images": [
  {"filepath": "test", "filename": "test_1.png", "imgid": 11, "changeflag": 1, "split": "test",
   "sentences": [{"raw": " a road is built ."}, {"raw": " a road ."}]},
  {"filepath": "test", "filename": "test_2.png", "imgid": 12, "changeflag": 0, "split": "test",
   "sentences": [{"raw": " there is no difference ."}]},
  {"filepath": "val", "filename": "val_1.png", "imgid": 13, "changeflag": 0, "split": "val",
   "sentences": [{"raw": " there is no difference ."}]}]})";

TEST_F(CaptionFiles, ReadsTheAuthorsEvaluationFiles) {
  const auto set = set_of(predictions(
      "{\"uid\": \"a\", \"pred\": \"x\\ny\", \"change_caption\": [\"x\", \"z\"], \"change_flag\": 1}\n\n"
      "{\"uid\": \"b\", \"pred\": \"\", \"change_caption\": \"z\", \"change_flag\": 0}\n"
      "{\"uid\": \"a\", \"pred\": \"x\\ny\", \"change_caption\": [\"x\", \"z\"]}\n"
      "{\"uid\": \"a\", \"pred\": \"other\", \"change_caption\": [\"x\", \"z\"]}\n"));
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.samples[0].prediction, "x\ny");
  EXPECT_THAT(set.samples[0].references, ElementsAre("x", "z"));
  EXPECT_EQ(set.samples[0].changed, true);
  EXPECT_EQ(set.samples[1].prediction, "");
  EXPECT_EQ(set.repeated, 2u);
  EXPECT_EQ(set.contradicted, 1u);
}

TEST_F(CaptionFiles, CaptionsOfTheCommandMatchLevirByNameStemOrNumber) {
  const auto expected = references(kLevir);
  ASSERT_EQ(expected.size(), 2u);
  const auto set = set_of(predictions(R"([{"uid": "test_2", "caption": "b"}, {"image_id": 11, "caption": "a"},
                                          {"uid": "else", "caption": "c"}])"),
                          expected);
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.samples[0].uid, "test_1.png");
  EXPECT_EQ(set.samples[0].prediction, "a");
  EXPECT_EQ(set.samples[1].prediction, "b");
  EXPECT_EQ(set.samples[1].changed, false);
  EXPECT_THAT(set.extra, ElementsAre("else"));
  EXPECT_EQ(set.before[0], folder_ / "images/test/A/test_1.png");
  EXPECT_EQ(expected[0].split, "test");
}

TEST_F(CaptionFiles, FailedAndAbsentPairsAreMissing) {
  const auto set = set_of(predictions("{\"uid\": \"test_1.png\", \"error\": \"cannot be read\"}\n"
                                      "{\"uid\": \"test_2.png\", \"caption\": \"b\"}\n"),
                          references(kLevir));
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_THAT(set.missing, ElementsAre("test_1.png"));
}

TEST_F(CaptionFiles, SplitsAreChosen) {
  EXPECT_EQ(references(kLevir, "val").size(), 1u);
  EXPECT_EQ(references(kLevir, "all").size(), 3u);
  EXPECT_THAT(test::error_of([&] { references(kLevir, "dev"); }),
              HasSubstr("split: expected one of test, val, or all, got dev"));
}

TEST_F(CaptionFiles, ReadsUniversalAndCocoReferences) {
  const auto universal = references(R"([{"uid": 1, "img1_path": "A/1.png", "img2_path": "B/1.png",
                                         "change_caption": ["a"], "change_flag": true}])");
  EXPECT_EQ(universal[0].uid, "1");
  EXPECT_EQ(universal[0].before, folder_ / "A/1.png");
  const auto coco = references(R"({"images": [{"id": 7, "file_name": "x.png"}, {"id": 8}],
      "annotations": [{"image_id": 7, "caption": "a"}, {"image_id": 7, "caption": "b"}]})");
  ASSERT_EQ(coco.size(), 1u);
  EXPECT_THAT(coco[0].references, ElementsAre("a", "b"));
  EXPECT_EQ(set_of(predictions(R"([{"uid": "x", "caption": "c"}])"), coco).samples.size(), 1u);
}

TEST_F(CaptionFiles, KnowsUnchangedPairsByTheirSentencesWhereNoFlagSaysIt) {
  const auto set = set_of(predictions(
      "{\"uid\": \"a\", \"pred\": \"x\", \"change_caption\": [\" There is no difference .\"]}\n"
      "{\"uid\": \"b\", \"pred\": \"x\", \"change_caption\": [\"there is no difference\", \"a road\"]}\n"));
  EXPECT_EQ(set.samples[0].changed, false);
  EXPECT_EQ(set.samples[1].changed, true);
  const auto unknown =
      set_of(predictions("{\"uid\": \"b\", \"pred\": \"x\", \"change_caption\": [\"a road\"]}\n"));
  EXPECT_EQ(unknown.samples[0].changed, std::nullopt);
}

TEST_F(CaptionFiles, ErrorsNameFileLineAndKey) {
  const auto error = [&](const std::string& text) { return test::error_of([&] { predictions(text); }); };
  EXPECT_THAT(error("{\"pred\": \"x\"}\n"),
              HasSubstr("p.jsonl: line 1: uid: expected a text or a number, got none"));
  EXPECT_THAT(error("{\"uid\": \"a\"}\n"), HasSubstr("line 1: pred: expected a caption"));
  EXPECT_THAT(error("{\"uid\": \"a\", \"pred\": 3.5}\n"),
              HasSubstr("line 1: pred: expected a text, got 3.5"));
  EXPECT_THAT(error("{\"uid\": \"a\", \"pred\": \"x\", \"change_caption\": [1]}\n"),
              HasSubstr("change_caption: expected a text or a list of texts, got 1"));
  EXPECT_THAT(error("{\"uid\": \"a\", \"pred\": \"x\", \"change_flag\": 2}\n"),
              HasSubstr("change_flag: expected 0, 1, true or false, got 2"));
  EXPECT_THAT(error("uid,caption\n"), HasSubstr("expected a JSON array or JSON Lines"));
  EXPECT_THAT(error("[]"), HasSubstr("expected at least one prediction, got none"));
  EXPECT_THAT(error("[3]"), HasSubstr("entry 1: expected an object with uid, got 3"));
  EXPECT_THAT(test::error_of([&] { references(R"([{"uid": "a"}])"); }), HasSubstr("entry 1: change_caption"));
  EXPECT_THAT(test::error_of([&] { references(R"({"images": [{"filename": "a.png", "sentences": []}]})"); }),
              HasSubstr("images[0]: sentences: expected a list of sentences, got none"));
}

TEST_F(CaptionFiles, NothingInCommonIsAnError) {
  const auto said = predictions("{\"uid\": \"a\", \"pred\": \"x\"}\n");
  EXPECT_THAT(test::error_of([&] { set_of(said); }), HasSubstr("name the references by --references"));
  EXPECT_THAT(test::error_of([&] { set_of(said, references(kLevir)); }), HasSubstr("compare the uids"));
}

}  // namespace
}  // namespace ccexpert::eval
