#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/data/pairs.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PairList, JsonLinesKeepOrderAndUids) {
  const TemporaryFolder folder;
  const auto list =
      folder.write("pairs.jsonl", R"({"uid": "b", "before": "A/1.png", "after": "B/1.png"})"
                                  "\n\n"
                                  R"({"uid": 7, "before": "/x/2.png", "after": "B/2.png", "note": [1]})"
                                  "\n");
  EXPECT_THAT(read_pair_list(list), ElementsAre(PairFiles{"b", folder / "A/1.png", folder / "B/1.png"},
                                                PairFiles{"7", "/x/2.png", folder / "B/2.png"}));
}

TEST(PairList, AnEmptyUidIsNone) {
  const TemporaryFolder folder;
  const auto list = folder.write("pairs.jsonl", R"({"uid": "", "before": "A/1.png", "after": "B/1.png"})");
  EXPECT_THAT(read_pair_list(list),
              ElementsAre(PairFiles{"A/1.png", folder / "A/1.png", folder / "B/1.png"}));
}

TEST(PairList, UniversalFormatAndImageRoot) {
  const TemporaryFolder folder;
  const auto list = folder.write("mix.json", R"([{"uid": "u1", "change_flag": 1, "img1_path": "a.png",
                                                 "img2_path": "./b.png", "change_caption": ["x"]}])");
  EXPECT_THAT(read_pair_list(list, "/data"), ElementsAre(PairFiles{"u1", "/data/a.png", "/data/b.png"}));
}

TEST(PairList, CsvWithQuotesAndWithoutUid) {
  const TemporaryFolder folder;
  const auto list = folder.write("list.txt",
                                 "\xEF\xBB\xBF"
                                 "after,before\r\nb.png,\"a, 1.png\"\r\n\r\nd.png,c.png\r\n");
  EXPECT_THAT(read_pair_list(list), ElementsAre(PairFiles{"a, 1.png", folder / "a, 1.png", folder / "b.png"},
                                                PairFiles{"c.png", folder / "c.png", folder / "d.png"}));
}

TEST(PairList, AByteOrderMarkIsNoPartOfAList) {
  const TemporaryFolder folder;
  const auto list =
      folder.write("list", "\xEF\xBB\xBF{\"uid\": \"1\", \"before\": \"a\", \"after\": \"b\"}\n");
  EXPECT_EQ(read_pair_list(list).size(), 1U);
}

TEST(PairList, RepeatedEntriesAreOne) {
  const TemporaryFolder folder;
  const auto list = folder.write("l.csv", "uid,before,after\n1,a,b\n1,a,b\n");
  EXPECT_EQ(read_pair_list(list).size(), 1U);
}

TEST(PairList, ErrorsNameFileAndPlace) {
  const TemporaryFolder folder;
  const auto message = [&](std::string_view text) {
    const auto list = folder.write("list", text);
    auto error = error_of([&] { read_pair_list(list); });
    return error.starts_with(list.string()) ? error.substr(list.string().size()) : error;
  };
  EXPECT_EQ(message(R"([{"before": "a", "after": "b"}, {"before": "c"}])"),
            ": entry 2: expected a path 'after' (or 'img2_path'), got none");
  EXPECT_THAT(message("{\"before\": \"a\", \"after\": \"b\"}\n{\"before\": "),
              HasSubstr(": line 2: expected JSON, got"));
  EXPECT_EQ(message(R"({"before": ["a"], "after": "b"})"),
            ": line 1: before: expected a string, got an array");
  EXPECT_EQ(message("uid,before,after\n1,a,b\n1,a,c\n"),
            ": row 3: uid '1' already names other images (give every pair its own uid)");
  EXPECT_THAT(message("x,y\n"), HasSubstr("expected JSON, JSON Lines, or CSV with a header line"));
  EXPECT_EQ(message("before,after\n"), ": expected at least one pair, got none");
  EXPECT_EQ(message("before,after\n\na,b\nc,d,e\n"),
            ": row 4: cells: expected at most 2, as the header has, got 3 (a cell with a comma needs quotes "
            "around it)");
  EXPECT_EQ(message("before,after\n,b\n"), ": row 2: expected a path 'before' (or 'img1_path'), got none");
  EXPECT_THAT(message("before,after\n\"a\"x,b\n"),
              HasSubstr(": row 2: expected quotes only around a whole cell"));
  EXPECT_THAT(message("[1]"), HasSubstr(": entry 1: expected an object"));
  EXPECT_THAT(message(""), HasSubstr("got nothing"));
}

TEST(PairFolders, PairsImagesByName) {
  const TemporaryFolder folder;
  for (const char* name : {"A/2.png", "A/1.PNG", "A/only.png", "A/notes.txt", "B/1.PNG", "B/2.png",
                           "B/extra.jpg", "A/._2.png", "B/._2.png"}) {
    folder.write(name, "");
  }
  const auto paired = pair_folders(folder / "A", folder / "B");
  EXPECT_THAT(paired.pairs, ElementsAre(PairFiles{"1.PNG", folder / "A/1.PNG", folder / "B/1.PNG"},
                                        PairFiles{"2.png", folder / "A/2.png", folder / "B/2.png"}));
  EXPECT_THAT(paired.unmatched, ElementsAre(folder / "A/only.png", folder / "B/extra.jpg"));
}

TEST(PairFolders, ErrorsSayWhatIsWrong) {
  const TemporaryFolder folder;
  folder.write("A/1.png", "");
  folder.write("B/2.png", "");
  EXPECT_THAT(error_of([&] { pair_folders(folder / "A", folder / "B"); }),
              HasSubstr("got 1 and 1 images, none paired"));
  EXPECT_THAT(error_of([&] { pair_folders(folder / "A", folder / "none"); }),
              HasSubstr("none: folder cannot be read (No such file or directory)"));
}

}  // namespace
}  // namespace ccexpert::data
