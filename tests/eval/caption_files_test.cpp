#include "eval/shared/caption_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/metrics.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class CaptionFiles : public ::testing::Test {
 protected:
  std::vector<CaptionEntry> predictions(const std::string& text) {
    return read_predictions(folder_.write("p.jsonl", text));
  }
  std::vector<CaptionEntry> references(const std::string& text, const std::string& split = "test") {
    return read_references(folder_.write("r.json", text), split);
  }
  static EvaluationSet set_each(const std::vector<CaptionEntry>& said,
                                const std::vector<CaptionEntry>& expected = {}) {
    return evaluation_set(said, expected, levir_cc_unchanged_sentences(), Repeats::kEach);
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

TEST_F(CaptionFiles, RepeatedUidsMayCountEach) {
  const auto said = predictions(R"([{"uid": "a", "pred": "p", "change_caption": ["x"]},
      {"uid": "b", "pred": "q", "change_caption": ["y"]}, {"uid": "a", "pred": "p", "change_caption": ["z"]}])");
  const auto own = set_each(said);
  ASSERT_EQ(own.samples.size(), 3u);
  EXPECT_EQ(own.repeated, 1u);
  EXPECT_EQ(own.samples[2].uid, "a");
  EXPECT_THAT(own.samples[2].references, ElementsAre("z"));
  const auto expected =
      references(R"([{"uid": "a", "change_caption": "x"}, {"uid": "b", "change_caption": "y"}])");
  EXPECT_EQ(set_each(said, expected).samples.size(), 3u);
  EXPECT_EQ(set_each(said, expected).before.size(), 3u);
  EXPECT_EQ(set_of(said, expected).samples.size(), 2u);
}

TEST_F(CaptionFiles, ReadsDictionariesOfCaptions) {
  for (const char* text :
       {R"({"1": ["a road"], "2": "no change"})", "{\n \"1\": \"a road\",\n \"2\": \"no change\"}\n",
        R"({"1": [{"image_id": 1, "caption": "a road"}], "2": ["no change"]})"}) {
    const auto said = predictions(text);
    ASSERT_EQ(said.size(), 2u) << text;
    EXPECT_EQ(said[0].uid, "1");
    EXPECT_EQ(said[0].prediction, "a road");
    EXPECT_TRUE(said[0].references.empty());
  }
  const auto expected = references(R"({"1.png": ["a road", "a path"], "2.png": ["same"]})");
  ASSERT_EQ(expected.size(), 2u);
  EXPECT_THAT(expected[0].references, ElementsAre("a road", "a path"));
  EXPECT_EQ(expected[0].changed, std::nullopt);
  EXPECT_EQ(set_of(predictions(R"({"1": ["a road"], "2": ["x"]})"), expected).samples.size(), 2u);
  EXPECT_THAT(test::error_of([&] { predictions(R"({"1": ["a", "b"]})"); }),
              HasSubstr("p.jsonl: 1: expected one caption, got 2"));
}

TEST_F(CaptionFiles, ErrorsOfADictionaryNameTheKey) {
  const auto error = [&](const std::string& text) { return test::error_of([&] { predictions(text); }); };
  EXPECT_THAT(error(R"({"1": ["a"], "2": []})"), EndsWith("p.jsonl: 2: expected a caption, got []"));
  EXPECT_THAT(error(R"({"1": ["a"], "2": ["b", 5]})"), EndsWith("p.jsonl: 2: expected a caption, got 5"));
  EXPECT_THAT(error("{\n \"1\": \"a\",\n \"2\": {\"text\": \"b\"}\n}"),
              EndsWith("p.jsonl: 2: expected a caption, got an object"));
  EXPECT_THAT(test::error_of([&] { references(R"({"1": ["a"], "2": null})"); }),
              HasSubstr("r.json: 2: expected a caption, got null (docs/eval.md"));
  EXPECT_EQ(predictions(R"({"caption": "a", "2": "b"})")[0].uid, "2");
}

TEST_F(CaptionFiles, AnEntryOnSeveralLinesIsOneEntry) {
  EXPECT_EQ(predictions("{\n  \"uid\": \"a\",\n  \"pred\": \"x\"\n}\n")[0].prediction, "x");
  EXPECT_THAT(test::error_of([&] { predictions("{\"uid\": \"a\",\n\"pred\": x}\n"); }),
              HasSubstr("p.jsonl: expected JSON, got"));
}

TEST_F(CaptionFiles, FlagsMayBeTexts) {
  const auto flag = [&](const std::string& value) {
    return references(R"([{"uid": "a", "change_caption": "x", "change_flag": )" + value + "}]")[0].changed;
  };
  for (const char* text : {"1", "true", "\"1\"", "\"true\""}) EXPECT_EQ(flag(text), true) << text;
  for (const char* text : {"0", "false", "\"0\"", "\"false\""}) EXPECT_EQ(flag(text), false) << text;
  EXPECT_THAT(test::error_of([&] { flag("\"yes\""); }),
              HasSubstr("expected 0, 1, true or false, got \"yes\""));
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
              HasSubstr("change_caption: expected a caption or a list of captions, none blank, got 1"));
  EXPECT_THAT(error("{\"uid\": \"a\", \"pred\": \"x\", \"change_flag\": 2}\n"),
              HasSubstr("change_flag: expected 0, 1, true or false, got 2"));
  EXPECT_THAT(error("uid,caption\n"), HasSubstr("expected a JSON array or JSON Lines"));
  EXPECT_THAT(error("[]"), HasSubstr("expected at least one prediction, got none"));
  EXPECT_THAT(error("[3]"), HasSubstr("entry 1: expected an object, got 3"));
  EXPECT_THAT(test::error_of([&] { references(R"([{"uid": "a"}])"); }), HasSubstr("entry 1: change_caption"));
  EXPECT_THAT(test::error_of([&] { references(R"({"images": [{"filename": "a.png", "sentences": []}]})"); }),
              HasSubstr("images[0]: sentences: expected a list of sentences, got none"));
}

TEST_F(CaptionFiles, ReferencesOfOneUidAreMerged) {
  const auto lines = references(R"({"uid": "a", "change_caption": "x"}
{"uid": "b", "change_caption": "y", "change_flag": 0}
{"uid": "a", "change_caption": "z", "change_flag": 1}
{"uid": "a", "change_caption": "x"}
)");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0].references, ElementsAre("x", "z", "x"));
  EXPECT_EQ(lines[0].changed, true);
  EXPECT_EQ(set_of(predictions(R"([{"uid": "a", "pred": "x"}])"), lines).merged, 2u);
  const auto lists = references(R"([{"uid": "a", "change_caption": ["x", "y"]},
      {"uid": "a", "change_caption": ["x", "y"]}, {"uid": "a", "change_caption": ["y", "z"]}])");
  EXPECT_THAT(lists[0].references, ElementsAre("x", "y", "z"));
  EXPECT_EQ(lists[0].merged, 1u);
  const auto own = set_of(predictions(R"([{"uid": "a", "pred": "p", "change_caption": "x"},
      {"uid": "a", "pred": "p", "change_caption": "y"}])"));
  EXPECT_THAT(own.samples[0].references, ElementsAre("x", "y"));
  EXPECT_EQ(own.merged, 1u);
}

TEST_F(CaptionFiles, ANameOfTwoSplitsIsTwoPairs) {
  const auto both = references(R"({"images": [
    {"filename": "1.png", "split": "train", "sentences": [{"raw": "a"}]},
    {"filename": "1.png", "split": "test", "sentences": [{"raw": "b"}]},
    {"filename": "2.png", "split": "test", "sentences": [{"raw": "c"}]}]})",
                               "all");
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[0].uid, "train/1.png");
  EXPECT_EQ(both[2].uid, "2.png");
  const auto set =
      set_of(predictions(R"([{"uid": "test/1.png", "pred": "x"}, {"uid": "1.png", "pred": "y"}])"), both);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_THAT(set.samples[0].references, ElementsAre("b"));
  EXPECT_THAT(set.extra, ElementsAre("1.png"));
}

TEST_F(CaptionFiles, PathsMatchByTheirNamesWhereThatIsUnambiguous) {
  const auto expected = references(kLevir);
  const auto set = set_of(predictions(R"([{"uid": "images/test/A/test_1.png", "caption": "a"},
                                          {"uid": "pair 2", "before": "A/test_2.png", "caption": "b"}])"),
                          expected);
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.samples[0].prediction, "a");
  EXPECT_EQ(set.samples[1].prediction, "b");
  const auto unclear = set_of(predictions(R"([{"uid": "x/test_1.png", "caption": "a"},
      {"uid": "y/test_1.png", "caption": "b"}, {"uid": "z/test_2.png", "caption": "c"},
      {"uid": "test_2.png", "caption": "d"}])"),
                              expected);
  ASSERT_EQ(unclear.samples.size(), 1u);
  EXPECT_EQ(unclear.samples[0].prediction, "d");
  EXPECT_THAT(unclear.extra, ElementsAre("x/test_1.png", "y/test_1.png", "z/test_2.png"));
}

TEST_F(CaptionFiles, ReadsListsOfOtherDataSets) {
  const auto coco = references(R"([{"image_id": 7, "caption": "a"}, {"image_id": 7, "caption": "b"}])");
  ASSERT_EQ(coco.size(), 1u);
  EXPECT_THAT(coco[0].references, ElementsAre("a", "b"));
  const auto rscc = references(
      "{\"pre_image\": \"i/x_pre.png\", \"post_image\": \"i/x_post.png\", "
      "\"change_caption\": \"c\"}\n");
  EXPECT_EQ(rscc[0].uid, "i/x_pre.png");
  EXPECT_EQ(set_of(predictions(R"([{"uid": "i/x_post", "pred": "p"}])"), rscc).samples.size(), 1u);
  const auto chat = references(R"([{"image_A": "t/A/1.png", "image_B": "t/B/1.png", "captions": ["a", "b"],
                                    "changeflag": 0}])");
  EXPECT_THAT(chat[0].references, ElementsAre("a", "b"));
  EXPECT_EQ(chat[0].changed, false);
  EXPECT_EQ(chat[0].after, folder_ / "t/B/1.png");
  const auto edits = references(R"([{"img0": "q.jpg", "img1": "r.jpg", "sents": ["a"], "uid": "e1"}])");
  EXPECT_EQ(set_of(predictions(R"([{"uid": "q", "pred": "p"}])"), edits).samples[0].uid, "e1");
  const auto spot =
      references(R"([{"img_id": "1", "sentences": ["a", "b"]}, {"img_id": "1", "sentences": ["c"]}])");
  ASSERT_EQ(spot.size(), 1u);
  EXPECT_THAT(spot[0].references, ElementsAre("a", "b", "c"));
}

TEST_F(CaptionFiles, ReadsClevrChangeWithItsSplits) {
  constexpr const char* kCaptions =
      R"({"CLEVR_default_000003.png": ["a"], "CLEVR_default_000012.png": ["b"]})";
  EXPECT_EQ(references(kCaptions).size(), 2u);
  folder_.write("splits.json", R"({"train": [3], "val": [], "test": [12]})");
  const auto changed = references(kCaptions);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].uid, "CLEVR_semantic_000012");
  EXPECT_EQ(changed[0].changed, true);
  EXPECT_EQ(changed[0].after, folder_ / "sc_images/CLEVR_semantic_000012.png");
  EXPECT_EQ(
      set_of(predictions(R"([{"uid": "CLEVR_default_000012.png", "pred": "p"}])"), changed).samples.size(),
      1u);
  EXPECT_EQ(references(R"({"CLEVR_.png": ["a"], "CLEVR_0.png": ["b"]})").size(), 2u);
  const auto same = read_references(folder_.write("no_change_captions.json", kCaptions), "all");
  ASSERT_EQ(same.size(), 2u);
  EXPECT_EQ(same[0].uid, "CLEVR_nonsemantic_000003");
  EXPECT_EQ(same[0].changed, false);
}

TEST_F(CaptionFiles, OtherFormatsAreSentToTheConverter) {
  const auto error = [&](const std::string& text) { return test::error_of([&] { references(text); }); };
  for (const char* text : {"name,caption\n", R"([{"id": 1, "image": ["a", "b"], "conversations": []}])",
                           "{\n  \"foo\": 1\n}\n", R"([{"uid": "a"}])"})
    EXPECT_THAT(error(text), HasSubstr("ccexpert-data convert")) << text;
}

TEST_F(CaptionFiles, ErrorsOfTypesNameTheFile) {
  const auto error = [&](const std::string& text) { return test::error_of([&] { references(text); }); };
  EXPECT_THAT(error(R"({"images": 5})"), HasSubstr("r.json: images: expected a list of objects, got 5"));
  EXPECT_THAT(error(R"({"images": [5]})"), HasSubstr("r.json: images[0]: expected an object, got 5"));
  EXPECT_THAT(error(R"({"annotations": 5})"),
              HasSubstr("r.json: annotations: expected a list of objects, got 5"));
  EXPECT_THAT(error(R"({"images": {}, "annotations": []})"), HasSubstr("images: expected a list of objects"));
  EXPECT_THAT(error(R"({"images": [{"filename": "a", "sentences": 1}]})"), HasSubstr("images[0]: sentences"));
}

TEST_F(CaptionFiles, DeeplyNestedJsonIsRefused) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  const auto error = [&](const std::string& text) { return test::error_of([&] { predictions(text); }); };
  EXPECT_THAT(error(R"({"uid": "a", "pred": )" + deep + "}\n"),
              HasSubstr("p.jsonl: expected JSON, got values nested too deeply"));
  EXPECT_THAT(error("[" + deep + "]"), HasSubstr("expected JSON, got values nested too deeply"));
}

TEST_F(CaptionFiles, AByteOrderMarkIsNoText) {
  EXPECT_EQ(predictions("\xef\xbb\xbf{\"uid\": \"a\", \"pred\": \"x\"}\n").size(), 1u);
  EXPECT_EQ(references(std::string("\xef\xbb\xbf") + kLevir).size(), 2u);
}

TEST_F(CaptionFiles, ReadsUtf16WithItsMark) {
  std::string wide = "\xff\xfe";
  for (const char c : std::string("{\"uid\": \"a\", \"pred\": \"x\"}\r\n")) wide += {c, '\0'};
  EXPECT_EQ(predictions(wide)[0].prediction, "x");
}

TEST_F(CaptionFiles, ErrorsNameFewOfManySplits) {
  std::string text = "{\"images\": [";
  for (int i = 0; i < 100; ++i)
    text += (i > 0 ? ",{\"filename\": \"" : "{\"filename\": \"") + std::to_string(i) + "\", \"split\": \"s" +
            std::to_string(i) + "\\u001b[2J\", \"sentences\": [{\"raw\": \"x\"}]}";
  const auto error = test::error_of([&] { references(text + "]}"); });
  EXPECT_THAT(error, HasSubstr("and 95 more, or all, got test"));
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
}

TEST_F(CaptionFiles, NothingInCommonIsAnError) {
  const auto said = predictions("{\"uid\": \"a\", \"pred\": \"x\"}\n");
  EXPECT_THAT(test::error_of([&] { set_of(said); }), HasSubstr("name the references by --references"));
  EXPECT_THAT(test::error_of([&] { set_of(said, references(kLevir)); }), HasSubstr("compare the uids"));
}

}  // namespace
}  // namespace ccexpert::eval
