// Sources with captions: each as a miniature in its true layout.
#include "datasets/sources/conversion_fixture.h"

namespace ccexpert::datasets {
namespace {

class ListedSources : public Conversion {
 protected:
  void make_levir() const {
    file("LevirCCcaptions.json", levir_list());
    images({"images/train/A/train_000016.png", "images/train/B/train_000016.png",
            "images/val/A/val_000003.png", "images/val/B/val_000003.png", "images/test/A/test_000009.png",
            "images/test/B/test_000009.png"});
  }
};

TEST_F(ListedSources, LevirCc) {
  make_levir();
  const auto summary = converted();
  EXPECT_EQ(summary.source, "levir-cc");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{1, 2, 1, 0}));
  EXPECT_EQ(summary.splits.at("val"), (SplitCounts{1, 2, 0, 1}));
  const auto train = pairs("train");
  ASSERT_EQ(train.size(), 1U);
  EXPECT_EQ(train[0].uid, "train_000016");
  EXPECT_EQ(train[0].before.lexically_normal(), in("images/train/A/train_000016.png"));
  EXPECT_EQ(train[0].after.lexically_normal(), in("images/train/B/train_000016.png"));
  EXPECT_THAT(train[0].captions, ElementsAre("a road is built.", "it is as before."));
  EXPECT_EQ(train[0].changed, true);
  EXPECT_EQ(pairs("val")[0].changed, false);
  for (const auto* split : {"train", "val", "test"}) expect_trains(split);
}

/// ASCII in UTF-16, as editors of Windows save it.
std::string utf16(std::string_view ascii) {
  std::string bytes = "\xff\xfe";
  for (const char letter : ascii) bytes += {letter, '\0'};
  return bytes;
}

TEST_F(ListedSources, AreRecognisedInUtf16) {
  file("v.json", utf16(R"([{"image_path": "a.png", "caption": "Two dogs.", "negatives": [
    {"edited_image_path": "b.png", "edited_caption": "Three dogs."}]}])"));
  images({"a.png", "b.png"});
  EXPECT_EQ(converted().source, "vismin");
  EXPECT_EQ(pairs("train").size(), 1U);
  fs::remove(folder_ / "in/v.json");
  file("bench.csv", utf16("image_path,caption,edited_image_path,edited_caption\n"));
  EXPECT_EQ(recognise_source(folder_ / "in"), "vismin");
}

TEST_F(ListedSources, LevirMciBringsItsLabelsAsMasks) {
  make_levir();
  images({"images/train/label/train_000016.png", "images/val/label/val_000003.png",
          "images/test/label/test_000009.png"});
  EXPECT_EQ(converted().source, "levir-mci");
  EXPECT_EQ(pairs("train")[0].mask.lexically_normal(), in("images/train/label/train_000016.png"));
  expect_trains("train");
}

TEST_F(ListedSources, WhuCdc) {
  make_levir();
  fs::rename(folder_ / "in/LevirCCcaptions.json", folder_ / "in/WHU_CDCcaptions.json");
  EXPECT_EQ(converted().source, "whu-cdc");
  expect_trains("test");
}

TEST_F(ListedSources, SecondCcSaysOfChangeByItsCaptions) {
  file(
      "SECOND-CC-AUG.json",
      R"({"images": [{"split": "train", "filename": "7.png", "sentences": [{"tokens": [], "raw": "a lake dried up ."}]},
                      {"split": "val", "filename": "8.png", "sentences": [{"raw": "no change has occurred"}]}]})");
  images({"train/rgb/A/7.png", "train/rgb/B/7.png", "val/rgb/A/8.png", "val/rgb/B/8.png"});
  EXPECT_EQ(converted().source, "second-cc");
  EXPECT_EQ(pairs("train")[0].changed, true);
  EXPECT_EQ(pairs("val")[0].changed, false);
  EXPECT_EQ(pairs("train")[0].before.lexically_normal(), in("train/rgb/A/7.png"));
  expect_trains("train");
}

TEST_F(ListedSources, DubaiCc) {
  for (const auto* list : {"Train_all.json", "Validation_all.json", "Test_all.json"}) {
    file(
        std::string("description_jsontr_te_val/") + list,
        fmt::format(R"({{"images": [{{"filename": "{}.png", "sentences": [{{"raw": "roads appear ."}}]}}]}})",
                    list[0]));
  }
  images({"RGB/500_2000/T.png", "RGB/500_2010/T.png", "RGB/500_2000/V.png", "RGB/500_2010/V.png"});
  EXPECT_EQ(converted().source, "dubai-cc");
  EXPECT_EQ(pairs("val")[0].before.lexically_normal(), in("RGB/500_2000/V.png"));
  EXPECT_EQ(pairs("val")[0].after.lexically_normal(), in("RGB/500_2010/V.png"));
  EXPECT_EQ(pairs("test")[0].uid, "T");
  expect_trains("train");
}

TEST_F(ListedSources, RsccKeepsItsTestPairsOutOfTrain) {
  file(
      "RSCC.jsonl",
      R"({"pre_image": "images/a_pre.png", "post_image": "images/a_post.png", "change_caption": "A roof is gone."}
{"pre_image": "images/b_pre.png", "post_image": "images/b_post.png", "change_caption": "Water covers the road."}
)");
  file(
      "RSCC_test.jsonl",
      R"({"pre_image": "images/b_pre.png", "post_image": "images/b_post.png", "change_caption": "Water covers the road."}
)");
  images({"images/a_pre.png", "images/a_post.png", "images/b_pre.png", "images/b_post.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.source, "rscc");
  EXPECT_EQ(summary.passed_over, 1);
  ASSERT_EQ(pairs("train").size(), 1U);
  EXPECT_EQ(pairs("train")[0].uid, "images/a_post");
  EXPECT_EQ(pairs("test")[0].captions, std::vector<std::string>{"Water covers the road."});
  expect_trains("test");
}

TEST_F(ListedSources, ChangeChatTakesCaptionsAndNoOtherTask) {
  file("ChangeChat_train.json", R"([
    {"id": "1", "image": ["A/1.png", "B/1.png"], "changeflag": 1, "conversations": [
      {"from": "human", "value": "<image><image>\nHow many houses were added?"}, {"from": "gpt", "value": "two"},
      {"from": "human", "value": "Please briefly describe the changes in these two images."},
      {"from": "gpt", "value": "two houses are built ."}]},
    {"id": "2", "image": ["A/1.png", "B/1.png"], "changeflag": 1, "conversations": [
      {"from": "human", "value": "Have they changed? Answer yes or no."}, {"from": "gpt", "value": "yes"}]}])");
  file(
      "ChangeChat_test.json",
      R"([{"image_A": "A/2.png", "image_B": "B/2.png", "captions": ["a", "b", "c", "d", "e"], "changeflag": 0}])");
  images({"A/1.png", "B/1.png", "A/2.png", "B/2.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.source, "changechat");
  EXPECT_EQ(summary.passed_over, 1);
  EXPECT_THAT(pairs("train")[0].captions, ElementsAre("two houses are built."));
  EXPECT_EQ(pairs("test")[0].captions.size(), 5U);
  EXPECT_EQ(pairs("test")[0].changed, false);
  expect_trains("test");
}

TEST_F(ListedSources, ClevrChangePairsEachSceneTwice) {
  file(
      "change_captions.json",
      R"({"CLEVR_default_000001.png": ["the cube is gone"], "CLEVR_default_000002.png": ["a ball moved", "it moved"]})");
  file(
      "no_change_captions.json",
      R"({"CLEVR_default_000001.png": ["no change was made"], "CLEVR_default_000002.png": ["nothing changed"]})");
  file("splits.json", R"({"train": [1], "val": [2], "test": []})");
  file("type_mapping.json", R"({"drop": [1], "move": [2]})");
  for (const auto* number : {"000001", "000002"}) {
    image(fmt::format("data/images/CLEVR_default_{}.png", number));
    image(fmt::format("data/sc_images/CLEVR_semantic_{}.png", number));
    image(fmt::format("data/nsc_images/CLEVR_nonsemantic_{}.png", number));
  }
  const auto summary = converted();
  EXPECT_EQ(summary.source, "clevr-change");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{2, 2, 1, 1}));
  EXPECT_EQ(summary.splits.at("val"), (SplitCounts{2, 3, 1, 1}));
  const auto train = pairs("train");
  EXPECT_EQ(train[0].uid, "CLEVR_semantic_000001");
  EXPECT_EQ(train[0].before.lexically_normal(), in("data/images/CLEVR_default_000001.png"));
  EXPECT_EQ(train[0].after.lexically_normal(), in("data/sc_images/CLEVR_semantic_000001.png"));
  EXPECT_EQ(train[1].after.lexically_normal(), in("data/nsc_images/CLEVR_nonsemantic_000001.png"));
  EXPECT_EQ(train[1].changed, false);
  expect_trains("train");
}

TEST_F(ListedSources, ImageEditingRequest) {
  file("train.json",
       R"([{"img0": "a.jpg.png", "img1": "b.jpg.png", "sents": ["brighten it"], "uid": "x1"}])");
  file("valid.json",
       R"([{"img0": "a.jpg.png", "img1": "b.jpg.png", "sents": ["u", "v", "w"], "uid": "x2"}])");
  images({"images/a.jpg.png", "images/b.jpg.png"});
  EXPECT_EQ(converted().source, "image-editing-request");
  EXPECT_EQ(pairs("train")[0].uid, "x1");
  EXPECT_EQ(pairs("val")[0].captions.size(), 3U);
  EXPECT_EQ(pairs("val")[0].changed, true);
  expect_trains("val");
}

TEST_F(ListedSources, SpotTheDiffMergesRowsOfOnePair) {
  file("annotations/train.json", R"([{"img_id": "9", "sentences": ["the man left", "a car came"]},
    {"img_id": "10", "sentences": ["no difference"]}, {"img_id": "9", "sentences": ["the man left", "the van is gone"]}])");
  images(
      {"resized_images/9.png", "resized_images/9_2.png", "resized_images/10.png", "resized_images/10_2.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.source, "spot-the-diff");
  EXPECT_EQ(summary.merged, 1);
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{2, 4, 1, 1}));
  const auto train = pairs("train");
  ASSERT_EQ(train.size(), 2U);
  EXPECT_THAT(train[0].captions, ElementsAre("the man left", "a car came", "the van is gone"));
  EXPECT_EQ(train[0].after.lexically_normal(), in("resized_images/9_2.png"));
  expect_trains("train");
}

TEST_F(ListedSources, StvchronoTakesTasksOfTwoImages) {
  file("train.json", R"([
    {"name": "2images/t1", "contents": [{"name": "2011-03-04_7.png", "width": 1, "height": 1, "url": "https://x"}, {"name": "2019-05-06_7.png"}],
     "attributes": [{"type": "textarea", "key": "2_tree", "title": "t", "value": "The tree was cut down."},
                    {"type": "textarea", "key": "3_building", "value": "No change."}, {"type": "radio", "key": "x", "value": "No"},
                    {"type": "textarea", "key": "4_road", "value": ""}]},
    {"name": "3images/t2", "contents": [{"name": "a"}], "attributes": []}])");
  images({"images/2011-03-04_7.png", "images/2019-05-06_7.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.source, "stvchrono");
  EXPECT_EQ(summary.passed_over, 1);
  EXPECT_THAT(pairs("train")[0].captions, ElementsAre("The tree was cut down."));
  EXPECT_EQ(pairs("train")[0].uid, "2011-03-04_7-2019-05-06_7");
  expect_trains("train");
}

/// Texts of a longer task belong to pairs if they name only the pair's images.
TEST_F(ListedSources, StvchronoPairsSuccessiveImages) {
  file("train.json", R"([
    {"name": "4images/t", "contents": [{"name": "1.png"}, {"name": "2.png"}, {"name": "3.png"}, {"name": "4.png"}],
     "attributes": [{"type": "textarea", "key": "1", "value": "A is rainy, B is sunny."},
                    {"type": "textarea", "key": "2", "value": "The most cars are in C."},
                    {"type": "textarea", "key": "3", "value": "A white building is in D but not in C."},
                    {"type": "textarea", "key": "4", "value": "The fence in A is older than in C."},
                    {"type": "textarea", "key": "5", "value": "Trees grow from A to D."},
                    {"type": "textarea", "key": "6", "value": "The lawn is green."},
                    {"type": "textarea", "key": "7", "value": "The road in A and B is the same."}]},
    {"name": "3images/t", "contents": [{"name": "5.png"}, {"name": "6.png"}, {"name": "7.png"}],
     "attributes": [{"type": "textarea", "key": "1", "value": "A tree is missing in A."}]}])");
  images({"images/1.png", "images/2.png", "images/3.png", "images/4.png", "images/5.png", "images/6.png",
          "images/7.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.splits.at("train").pairs, 4);
  EXPECT_EQ(summary.passed_over, 1);
  const auto all = pairs("train");
  EXPECT_EQ(all[0].uid, "1-2");
  EXPECT_THAT(all[0].captions, ElementsAre("A is rainy, B is sunny."));
  EXPECT_EQ(all[1].uid, "2-3");
  EXPECT_THAT(all[1].captions, ElementsAre("The most cars are in B."));
  EXPECT_EQ(all[2].uid, "3-4");
  EXPECT_THAT(all[2].captions,
              ElementsAre("The most cars are in A.", "A white building is in B but not in A."));
  EXPECT_EQ(all[3].uid, "5-6");
  EXPECT_THAT(all[3].captions, ElementsAre("A tree is missing in A."));
  expect_trains("train");
}

TEST_F(ListedSources, VisMinGetsSentencesFromItsTwoDescriptions) {
  file("vismin_train.json", R"([{"image_path": "i/1.png", "caption": "A red car on a road.", "negatives": [
      {"edited_image_path": "i/1_0.png", "edited_caption": "A blue car on a road."},
      {"edited_image_path": "i/1_1.png", "edited_caption": "A red car on a beach."}]}])");
  file("bench.csv",
       "image_path,caption,edited_image_path,edited_caption,edit_id\n"
       "i/2.png,\"A dog, asleep\",i/2_0.png,\"A cat, asleep\",4\n");
  images({"i/1.png", "i/1_0.png", "i/1_1.png", "i/2.png", "i/2_0.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.source, "vismin");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{2, 10, 2, 0}));
  EXPECT_THAT(pairs("train")[0].captions, ::testing::Contains("\"red\" becomes \"blue\"."));
  EXPECT_THAT(pairs("test")[0].captions, ::testing::Contains("before: a dog, asleep; after: a cat, asleep."));
  expect_trains("train");
  expect_trains("test");
}

TEST_F(ListedSources, NamesThatRestartInEverySplitGiveDifferentUids) {
  file("SECOND-CC-AUG.json", R"({"images": [
    {"split": "train", "filename": "7.png", "sentences": [{"raw": "a lake dried up ."}]},
    {"split": "test", "filename": "7.png", "sentences": [{"raw": "a road is built ."}]}]})");
  images({"train/rgb/A/7.png", "train/rgb/B/7.png", "test/rgb/A/7.png", "test/rgb/B/7.png"});
  converted();
  EXPECT_EQ(pairs("train")[0].uid, "train_7");
  EXPECT_EQ(pairs("test")[0].uid, "test_7");
}

TEST_F(ListedSources, DescriptionsAreWithoutCapitalsWithinSentences) {
  file("v.json", R"([{"image_path": "a.png", "caption": "Two dogs.", "negatives": [
    {"edited_image_path": "b.png", "edited_caption": "Three dogs."},
    {"edited_image_path": "c.png", "edited_caption": "TV screens."}]}])");
  images({"a.png", "b.png", "c.png"});
  converted();
  EXPECT_THAT(pairs("train")[0].captions,
              ::testing::Contains("instead of two dogs, there is now three dogs."));
  EXPECT_THAT(pairs("train")[1].captions, ::testing::Contains("it was two dogs, and it is TV screens."));
}

TEST_F(ListedSources, FoldersWithACsv) {
  images({"before/x.png", "after/x.png", "before/y.png", "after/y.png"});
  file("captions.csv",
       "name,caption\nx.png,a house is built\nx,\"built, then\"\ny.png,nothing has changed\n");
  const auto summary = converted();
  EXPECT_EQ(summary.source, "folders");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{2, 3, 1, 1}));
  const auto train = pairs("train");
  EXPECT_THAT(train[0].captions, ElementsAre("a house is built", "built, then"));
  EXPECT_EQ(train[1].changed, false);
  expect_trains("train");
}

TEST_F(ListedSources, FoldersOfSplitsWithoutCaptionsGivePairsToCaption) {
  images({"train/A/1.png", "train/B/1.png", "test/A/2.png", "test/B/2.png"});
  const auto summary = converted();
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{1, 0, 0, 0}));
  EXPECT_EQ(data::read_pair_list(folder_ / "out/test.json")[0].uid, "test_2.png");
  EXPECT_THAT(error_of([&] { pairs("test"); }), HasSubstr("change_caption: expected a caption"));
}

}  // namespace
}  // namespace ccexpert::datasets
