// A user's own folders: the split of a row's image, images without a partner, and uids.
#include "datasets/sources/conversion_fixture.h"

namespace ccexpert::datasets {
namespace {

class Folders : public Conversion {
 protected:
  void pair(const std::string& within, const std::string& name) const {
    image(within + "before/" + name);
    image(within + "after/" + name);
  }
  void in_every_split(const std::string& name) const {
    for (const auto* split : {"train/", "val/", "test/"}) pair(split, name);
  }
  ConvertSummary skipping() const {
    auto skip = options();
    skip.on_error = OnError::kSkip;
    return convert(skip);
  }
};

TEST_F(Folders, ARowsSplitDecidesWhichImageItMeans) {
  in_every_split("1.png");
  file("captions.csv", "name,caption,split\n1.png,one,train\n1,two,val\n1.png,three,test\n");
  converted();
  for (const auto* split : {"train", "val", "test"}) {
    EXPECT_EQ(pairs(split)[0].before.lexically_normal(), in(fmt::format("{}/before/1.png", split)));
  }
  EXPECT_THAT(pairs("val")[0].captions, ElementsAre("two"));
}

TEST_F(Folders, ARowWithoutASplitMustMeanOneImage) {
  in_every_split("1.png");
  pair("val/", "2.png");
  file("captions.csv", "name,caption\n2,two\n1.png,one\n");
  EXPECT_EQ(error_of([&] { converted(); }),
            in("captions.csv").string() +
                ": row 3: name: expected an image of one split, got '1.png' of train, val, test (add a "
                "column split to select one)");
  EXPECT_EQ(skipping().left_out, 1);
  EXPECT_EQ(pairs("val")[0].before.lexically_normal(), in("val/before/2.png"));
}

TEST_F(Folders, ARowsSplitMustBeThere) {
  pair("train/", "1.png");
  pair("test/", "1.png");
  file("captions.csv", "name,caption,split\n1.png,one,val\n");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("row 2: split: expected train or test, got 'val'"));
  file("captions.csv", "name,caption,split\n3.png,one,test\n");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("row 2: before: expected an image file, got "));
}

TEST_F(Folders, ACommaWithoutQuotesCutsNoCaption) {
  pair("", "1.png");
  pair("", "2.png");
  file("captions.csv", "name,caption\n1.png,\"a house, built\"\n2.png,a road, built\n");
  EXPECT_EQ(
      error_of([&] { converted(); }),
      in("captions.csv").string() +
          ": row 3: cells: expected at most 2, as the header has, got 3 (a cell with a comma needs quotes "
          "around it)");
  const auto summary = skipping();
  EXPECT_EQ(summary.left_out, 1);
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{1, 1, 1, 0}));
}

TEST_F(Folders, AFolderIsNotPairedWithItself) {
  image("before/1.png");
  auto both = options("folders");
  both.before_folder = both.after_folder = "before";
  EXPECT_THAT(error_of([&] { convert(both); }), HasSubstr("folders before and after: expected two, got "));
  fs::create_directory_symlink("before", folder_ / "in/after");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("/after, which are the same"));
}

TEST_F(Folders, ASplitColumnDividesOneFolder) {
  pair("", "1.png");
  pair("", "2.png");
  file("captions.csv", "name,caption,split\n1.png,one,train\n2.png,two,val\n");
  converted();
  EXPECT_EQ(pairs("val")[0].before.lexically_normal(), in("before/2.png"));
}

TEST_F(Folders, NamesThatRestartInEverySplitGiveDifferentUids) {
  in_every_split("1.png");
  converted();
  EXPECT_EQ(data::read_pair_list(folder_ / "out/train.json")[0].uid, "train_1.png");
  EXPECT_EQ(data::read_pair_list(folder_ / "out/test.json")[0].uid, "test_1.png");
}

TEST_F(Folders, ImagesWithoutAPartnerAreNamed) {
  pair("", "1.png");
  image("after/2.png");
  EXPECT_EQ(error_of([&] { converted(); }), in("before/2.png").string() +
                                                ": expected an image file, got none, although " +
                                                in("after/2.png").string() + " exists");
  fs::create_symlink("/nowhere/3.png", folder_ / "in/before/3.png");
  image("after/3.png");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("before/3.png, which does not exist"));
  const auto summary = skipping();
  EXPECT_EQ(summary.left_out, 2);
  EXPECT_EQ(summary.splits.at("train").pairs, 1);
}

}  // namespace
}  // namespace ccexpert::datasets
