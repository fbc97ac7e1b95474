#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/data/change_dataset.h>

#include "data/shared/data_list.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Returns the error of `read(file)` without the leading file name.
template <class Read>
std::string error_behind_name(const std::filesystem::path& file, Read&& read) {
  const auto error = error_of([&] { read(file); });
  return error.starts_with(file.string()) ? error.substr(file.string().size()) : "elsewhere: " + error;
}

std::string dataset_error(std::string_view text) {
  const TemporaryFolder folder;
  return error_behind_name(folder.write("set.json", text),
                           [](const auto& file) { read_change_dataset(file); });
}

TEST(ChangeDataset, ArrayWithEveryKey) {
  const TemporaryFolder folder;
  const auto file = folder.write("set.json", R"([{"uid": "u1", "change_flag": 1, "img1_path": "A/1.png",
      "img2_path": "/x/1.png", "change_caption": [" a house .", "two"], "mask_path": "m/1.png",
      "classes1_path": "c/1.png", "classes2_path": "c/2.png", "source": {"any": "thing"}}])");
  const ChangeExample expected{.uid = "u1",
                               .before = folder / "A/1.png",
                               .after = "/x/1.png",
                               .captions = {" a house .", "two"},
                               .changed = true,
                               .mask = folder / "m/1.png",
                               .classes_before = folder / "c/1.png",
                               .classes_after = folder / "c/2.png"};
  EXPECT_THAT(read_change_dataset(file), ElementsAre(expected));
}

TEST(ChangeDataset, LinesWithoutOptionalKeysAndWithImageRoot) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("set.jsonl",
                   "{\"img1_path\": \"a.png\", \"img2_path\": \"b.png\", \"change_caption\": \"one\"}\n\n"
                   "{\"uid\": 2, \"before\": \"c.png\", \"after\": \"d.png\", \"change_flag\": false,"
                   " \"change_caption\": [\"x\"], \"mask_path\": null}\n");
  const auto examples = read_change_dataset(file, "/data");
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].uid, "a.png");
  EXPECT_EQ(examples[0].before, "/data/a.png");
  EXPECT_THAT(examples[0].captions, ElementsAre("one"));
  EXPECT_EQ(examples[0].changed, std::nullopt);
  EXPECT_TRUE(examples[0].mask.empty());
  EXPECT_EQ(examples[1].uid, "2");
  EXPECT_EQ(examples[1].changed, false);
}

TEST(ChangeDataset, EntriesThatStandTwiceStay) {
  const TemporaryFolder folder;
  const std::string entry = R"({"uid": "u", "img1_path": "a", "img2_path": "b", "change_caption": "c"})";
  EXPECT_EQ(read_change_dataset(folder.write("set.json", entry + "\n" + entry)).size(), 2U);
}

TEST(ChangeDataset, ErrorsNamePlaceKeyAndExpectation) {
  const auto with = [](std::string_view rest) {
    return dataset_error(fmt::format(R"([{{"img1_path": "a", "img2_path": "b", {}}}])", rest));
  };
  for (const auto* none : {R"("uid": "u")", R"("change_caption": null)", R"("change_caption": [])"})
    EXPECT_EQ(with(none), ": entry 1: change_caption: expected a caption or a list of captions, got none");
  for (const auto* wrong : {"7", "\" \"", "true"})
    EXPECT_EQ(with(fmt::format(R"("change_caption": {})", wrong)),
              ": entry 1: change_caption: expected a caption or a list of captions, none blank, got " +
                  std::string(wrong));
  EXPECT_THAT(with(R"("change_caption": ["x", 3])"), HasSubstr("none blank, got 3"));
  EXPECT_EQ(with(R"("change_caption": "x", "change_flag": 2)"),
            ": entry 1: change_flag: expected 0, 1, true or false, got 2");
  EXPECT_EQ(with(R"("change_caption": "x", "mask_path": 1)"),
            ": entry 1: mask_path: expected a string, got 1");
  EXPECT_EQ(dataset_error("\n{\"img1_path\": \"a\", \"change_caption\": \"x\"}"),
            ": line 2: expected a path 'after' (or 'img2_path'), got none");
  EXPECT_EQ(dataset_error("[]"), ": expected at least one pair, got none");
  EXPECT_EQ(dataset_error("before,after\na,b\n"),
            ": expected a JSON array or JSON Lines, got 'before,after'");
  EXPECT_EQ(dataset_error(" \n"), ": expected a JSON array or JSON Lines, got nothing");
  EXPECT_THAT(dataset_error("{\"uid\": 1"), HasSubstr(": line 1: expected JSON, got"));
  EXPECT_EQ(dataset_error(R"([{"uid": 1, "img1_path": "a", "img2_path": "b", "change_caption": "c"},
                              {"uid": 1, "img1_path": "a", "img2_path": "x", "change_caption": "c"}])"),
            ": entry 2: uid '1' already names other images (give every pair its own uid)");
}

/// Writes a file of `count` pairs with uids NAME0, NAME1, ...
void write_set(const TemporaryFolder& folder, const std::string& name, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += fmt::format(
        "{{\"uid\": \"{0}{1}\", \"img1_path\": \"a{1}\", \"img2_path\": \"b{1}\", \"change_caption\": "
        "\"c\"}}\n",
        name, i);
  }
  folder.write(name + ".jsonl", lines);
}

std::vector<std::string> uids_of(const std::vector<ChangeExample>& examples) {
  std::vector<std::string> uids;
  for (const auto& example : examples) uids.push_back(example.uid);
  return uids;
}

class DataList : public ::testing::Test {
 protected:
  DataList() {
    write_set(folder_, "a", 10);
    write_set(folder_, "sub/b", 3);
  }

  std::vector<std::string> taken(const std::string& strategy, uint64_t seed = 1) {
    const auto list =
        folder_.write("list.yaml", "datasets:\n- json_path: a.jsonl\n  sampling_strategy: " + strategy);
    return uids_of(read_data_list(list, {}, seed));
  }
  std::string error(std::string_view text) {
    return error_behind_name(folder_.write("list.yaml", text),
                             [](const auto& file) { read_data_list(file); });
  }

  const TemporaryFolder folder_;
};

TEST(ChangeFlag, IsTakenInEveryForm) {
  const TemporaryFolder folder;
  const auto flag = [&](const std::string& value) {
    const auto file = folder.write(
        "set.json",
        R"([{"img1_path": "a", "img2_path": "b", "change_caption": "x", "change_flag": )" + value + "}]");
    return read_change_dataset(file).front().changed;
  };
  for (const auto* yes : {"1", "true", R"("1")", R"("true")"}) EXPECT_EQ(flag(yes), true) << yes;
  for (const auto* no : {"0", "false", R"("0")", R"("false")"}) EXPECT_EQ(flag(no), false) << no;
  EXPECT_EQ(flag("null"), std::nullopt);
  EXPECT_THAT(error_of([&] { flag(R"("yes")"); }), HasSubstr("expected 0, 1, true or false, got \"yes\""));
}

TEST_F(DataList, StrategiesTakeTheirPart) {
  EXPECT_EQ(taken("all").size(), 10U);
  EXPECT_THAT(taken("first:2"), ElementsAre("a0", "a1"));
  EXPECT_THAT(taken("end:3"), ElementsAre("a7", "a8", "a9"));
  EXPECT_THAT(taken("first:11%"), ElementsAre("a0", "a1"));  // ceil(1.1)
  EXPECT_THAT(taken("end:1%"), ElementsAre("a9"));
  EXPECT_EQ(taken("first:100%").size(), 10U);
  EXPECT_EQ(taken("end:99").size(), 10U);
}

TEST_F(DataList, RandomDependsOnTheSeedAlone) {
  const auto drawn = taken("random:4");
  EXPECT_EQ(drawn.size(), 4U);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(taken("random:4"), drawn);
  EXPECT_NE(taken("random:4", 2), drawn);
  EXPECT_NE(drawn, taken("first:4"));
  EXPECT_EQ(taken("random:35%"), drawn);
}

TEST_F(DataList, EntriesFollowEachOtherWithPathsRepeatAndRoot) {
  const auto list = folder_.write("list.yaml",
                                  "datasets:\n"
                                  "  - {json_path: sub/b.jsonl, sampling_strategy: 'first:1', repeat: 6}\n"
                                  "  - json_path: a.jsonl\n"
                                  "    sampling_strategy: end:1\n"
                                  "    image_root: images\n");
  const auto examples = read_data_list(list);
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].repeat, 6);
  EXPECT_EQ(examples[0].before, folder_ / "sub/a0");
  EXPECT_EQ(examples[1].repeat, 1);
  EXPECT_EQ(examples[1].before, folder_ / "images/a9");
  const auto rooted = read_data_list(list, "/root");
  EXPECT_EQ(rooted[0].before, "/root/a0");
  EXPECT_EQ(rooted[1].before, folder_ / "images/a9");
}

TEST_F(DataList, SplitsAreAFileEach) {
  write_set(folder_, "set/train", 3);
  write_set(folder_, "set/val", 2);
  const auto list = folder_.write(
      "list.yaml",
      "datasets:\n- {json_path: 'set/{split}.jsonl', splits: [val, train], sampling_strategy: 'first:1', "
      "repeat: 2}\n- json_path: a.jsonl\n");
  const auto examples = read_data_list(list);
  ASSERT_EQ(examples.size(), 12U);
  EXPECT_EQ(examples[0].uid, "set/val0");
  EXPECT_EQ(examples[1].uid, "set/train0");
  EXPECT_EQ(examples[1].repeat, 2);
  EXPECT_EQ(examples[2].uid, "a0");
  const auto files = read_listed_datasets(list);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].json_path, "set/val.jsonl");
  EXPECT_TRUE(files[0].splits.empty());
}

TEST_F(DataList, SplitsAndTheirMarkGoTogether) {
  EXPECT_EQ(error("datasets:\n- json_path: '{split}.json'\n"),
            ":2: datasets[0].splits: expected the values of {split} in json_path, got none");
  EXPECT_EQ(
      error("datasets:\n- json_path: a.jsonl\n  splits: [train]\n"),
      ":2: datasets[0].json_path: expected a path with {split}, because splits are given, got 'a.jsonl'");
  EXPECT_EQ(error("datasets:\n- json_path: '{split}.json'\n  splits: [val, val]\n"),
            ":3: datasets[0].splits: expected each split once, got val, val");
  EXPECT_EQ(error("datasets:\n- json_path: '{split}.json'\n  splits: val\n"),
            ":3: datasets[0].splits: expected a list, got 'val'");
}

TEST_F(DataList, CaptionsOfAPairAreKeptAsAsked) {
  std::string lines;
  for (int i = 0; i < 8; ++i) {
    lines += fmt::format(
        R"({{"uid": "{0}", "img1_path": "a{0}", "img2_path": "b{0}", "change_caption": ["1", "2", "3", "4", "5"]}})"
        "\n",
        i);
  }
  folder_.write("five.jsonl", lines);
  const auto kept = [&](const std::string& strategy, uint64_t seed = 1) {
    const auto list =
        folder_.write("list.yaml", "datasets:\n- {json_path: five.jsonl, captions: '" + strategy + "'}\n");
    std::vector<std::vector<std::string>> captions;
    for (const auto& example : read_data_list(list, {}, seed)) captions.push_back(example.captions);
    return captions;
  };
  EXPECT_THAT(kept("all").front(), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(kept("first:2").front(), ElementsAre("1", "2"));
  EXPECT_THAT(kept("end:1").front(), ElementsAre("5"));
  EXPECT_EQ(kept("random:9").front().size(), 5U);
  const auto drawn = kept("random:3");
  std::set<std::vector<std::string>> different;
  for (const auto& captions : drawn) {
    EXPECT_EQ(captions.size(), 3U);
    EXPECT_TRUE(std::is_sorted(captions.begin(), captions.end()));
    different.insert(captions);
  }
  EXPECT_GT(different.size(), 3U);  // each pair draws separately
  EXPECT_EQ(kept("random:3"), drawn);
  EXPECT_NE(kept("random:3", 2), drawn);
  EXPECT_THAT(error("datasets:\n- json_path: a.jsonl\n  captions: three\n"),
              ::testing::StartsWith(":3: datasets[0].captions: expected all, first:N"));
}

/// The list that the authors' scripts produce.
TEST_F(DataList, ReadsTheAuthorsFormat) {
  const auto list =
      folder_.write("list.yaml", fmt::format("  datasets:\n    # a remark\n    - json_path: \"{}\"\n"
                                             "      sampling_strategy: all",
                                             (folder_ / "a.jsonl").string()));
  EXPECT_EQ(read_data_list(list).size(), 10U);
}

TEST_F(DataList, ErrorsNameLineKeyAndExpectation) {
  EXPECT_EQ(error("datasets:\n- json_path: a.jsonl\n  samplingstrategy: all\n"),
            ":3: datasets[0].samplingstrategy: unknown key (did you mean sampling_strategy?)");
  EXPECT_EQ(error("dataset: []\n"), ":1: dataset: unknown key (did you mean datasets?)");
  const std::string expected =
      "expected all, first:N, end:N or random:N, N a count of at least 1 or 1% to 100%, got ";
  for (const auto* wrong : {"last:3", "first", "first:", "first:0", "first:-1", "end:101%", "random:x",
                            "random:3.5%", "all:3", ""}) {
    EXPECT_EQ(error(fmt::format("datasets:\n- json_path: a.jsonl\n  sampling_strategy: '{}'\n", wrong)),
              fmt::format(":3: datasets[0].sampling_strategy: {}'{}'", expected, wrong));
  }
  EXPECT_EQ(error("datasets:\n- json_path: a.jsonl\n  repeat: 0\n"),
            ":3: datasets[0].repeat: expected 1 to 1000000, got 0");
  EXPECT_EQ(error("datasets:\n- json_path: a.jsonl\n  repeat: often\n"),
            ":3: datasets[0].repeat: expected an integer, got 'often'");
  EXPECT_EQ(error("datasets:\n- repeat: 2\n"),
            ":2: datasets[0].json_path: expected a file of pairs with captions, got none");
  EXPECT_EQ(error("datasets: []\n"), ":1: datasets: expected at least one entry, got none");
  EXPECT_THAT(error("datasets: 3\n"), HasSubstr("datasets: expected a list, got '3'"));
  EXPECT_THAT(error("datasets: [\n"), HasSubstr("is not valid YAML"));
  EXPECT_THAT(
      error_of([&] { read_data_list(folder_.write("l.yaml", "datasets:\n- json_path: none.json\n")); }),
      HasSubstr("l.yaml:2: datasets[0].json_path: expected a file of pairs with captions, got " +
                (folder_ / "none.json").string() + ", which does not exist"));
}

}  // namespace
}  // namespace ccexpert::data
