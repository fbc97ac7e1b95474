// Replacement of output, leftovers, and pairs that occur twice.
#include <fstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "datasets/sources/conversion_fixture.h"
#include "datasets/sources/made_folders.h"
#include "support/full_disk.h"

namespace ccexpert::datasets {
namespace {

class Output : public Conversion {
 protected:
  void SetUp() override {
    images({"before/1.png", "after/1.png"});
    file("captions.csv", "name,caption\n1.png,one\n");
  }
};

TEST_F(Output, IsNotTheSource) {
  auto same = replacing();
  same.output = folder_ / "in/../in";
  EXPECT_THAT(error_of([&] { convert(same); }),
              HasSubstr("expected a folder other than the source's, got the source's"));
}

TEST_F(Output, ListsOfOthersStayAlsoWhereOverwriteIsAsked) {
  folder_.write("out/val.json", "precious");
  EXPECT_EQ(error_of([&] { convert(replacing()); }),
            (folder_ / "out/val.json").string() +
                ": expected a list written by an earlier conversion, got one not listed in conversion.json "
                "(choose another folder, or move it away)");
  EXPECT_EQ(content("val.json"), "precious");
  fs::remove(folder_ / "out/val.json");
  folder_.write("out/conversion.json", R"({"made_by": "somebody"})");
  EXPECT_THAT(error_of([&] { convert(replacing()); }), HasSubstr("conversion.json: expected a description"));
}

TEST_F(Output, LeftoversOfKilledConversionsGo) {
  // No process has the largest id.
  folder_.write("out/train.json.tmp4194305", "[");
  folder_.write("out/conversion.tmp4194305/crops/A/x.png", "x");
  folder_.write(fmt::format("out/val.json.tmp{}", ::getppid()), "another's");
  converted();
  EXPECT_THAT(written(),
              ElementsAre("conversion.json", "train.json", fmt::format("val.json.tmp{}", ::getppid())));
}

TEST_F(Output, AFileWhereTheFolderShouldBeIsAnErrorOfOurForm) {
  folder_.write("out", "no folder");
  EXPECT_EQ(error_of([&] { converted(); }), (folder_ / "out").string() + ": expected a folder, got a file");
}

TEST_F(Output, NamesAndCaptionsThatAreNoUtf8AreRefused) {
  fs::rename(folder_ / "in/before/1.png", folder_ / "in/before/caf\xe9.png");
  fs::rename(folder_ / "in/after/1.png", folder_ / "in/after/caf\xe9.png");
  fs::remove(folder_ / "in/captions.csv");
  EXPECT_THAT(error_of([&] { converted(); }), HasSubstr("before: expected UTF-8, got 'before/caf\\xe9.png'"));
  images({"before/1.png", "after/1.png"});
  auto skip = options();
  skip.on_error = OnError::kSkip;
  EXPECT_EQ(convert(skip).left_out, 1);
  file("captions.csv", "name,caption\n1.png,a caf\xe9\n");
  EXPECT_THAT(error_of([&] { convert(replacing()); }),
              HasSubstr("captions.csv: line 2: expected UTF-8 text, got the byte \\xe9"));
}

/// An existing image folder and a new one that replaces it.
class Made : public ::testing::Test {
 protected:
  Made() {
    folder_.write("crops/old.png", "old");
    fs::create_directories(made_->folder() / "crops");
    std::ofstream(made_->folder() / "crops/new.png") << "new";
    made_->install();
  }
  bool is_there(const char* name) const { return fs::exists(folder_ / "crops" / name); }
  ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }

  const test::TemporaryFolder folder_;
  std::unique_ptr<MadeFolders> made_ = std::make_unique<MadeFolders>(folder_.path());
};

TEST_F(Made, GivesBackWhatWasThereUnlessItIsKept) {
  EXPECT_TRUE(is_there("new.png"));
  made_.reset();
  EXPECT_TRUE(is_there("old.png"));
  EXPECT_FALSE(is_there("new.png"));
  EXPECT_EQ(entries(), 1);
}

TEST_F(Made, LeavesNothingElseWhereItIsKept) {
  made_->keep();
  made_.reset();
  EXPECT_FALSE(is_there("old.png"));
  EXPECT_TRUE(is_there("new.png"));
  EXPECT_EQ(entries(), 1);
}

TEST_F(Output, AFullDiskIsNoFaultOfAnEntry) {
  file("captions.csv", "name,caption\n1.png," + std::string(size_t{3} << 20, 'a') + "\n");
  auto skip = options();
  skip.on_error = OnError::kSkip;
  const auto error = error_of([&] {
    const test::FullDisk full(1 << 16);
    convert(skip);
  });
  EXPECT_THAT(error, ::testing::StartsWith((folder_ / "out/train.json").string() + ": cannot be written"));
  EXPECT_THAT(written(), ElementsAre());
}

class Repeated : public Conversion {
 protected:
  void SetUp() override { images({"before/1.png", "after/1.png"}); }
  nlohmann::json train() const { return nlohmann::json::parse(std::ifstream(folder_ / "out/train.json"))[0]; }
};

TEST_F(Repeated, AllCaptionsDecideWhereNothingElseDoes) {
  file("captions.csv", "name,caption\n1.png,no difference\n1.png,a car left\n1.png,a man came\n");
  const auto summary = converted();
  EXPECT_EQ(train()["change_flag"], 1);
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{1, 3, 1, 0}));
}

TEST_F(Repeated, AFlagOfTheSourceStandsAboveCaptions) {
  file("captions.csv", "name,caption,change_flag\n1.png,a car left,\n1.png,no difference,0\n1.png,a car,\n");
  const auto summary = converted();
  EXPECT_EQ(train()["change_flag"], 0);
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{1, 3, 0, 1}));
}

TEST_F(Repeated, FlagsOfTheSourceMustAgree) {
  file("captions.csv", "name,caption,change_flag\n1.png,a car left,1\n1.png,no difference,0\n");
  EXPECT_EQ(error_of([&] { converted(); }),
            in("captions.csv").string() +
                ": row 3: change_flag: expected 1, as in an earlier entry of this pair, got 0");
  auto skip = options();
  skip.on_error = OnError::kSkip;
  EXPECT_EQ(convert(skip).left_out, 1);
  EXPECT_EQ(train()["change_caption"].size(), 1U);
}

}  // namespace
}  // namespace ccexpert::datasets
