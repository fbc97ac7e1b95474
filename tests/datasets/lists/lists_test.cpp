#include "datasets/shared/lists.h"

#include <map>
#include <set>

#include <ccexpert/data/change_dataset.h>

#include "data/shared/data_list.h"
#include "datasets/lists/list_fixture.h"
#include "datasets/shared/mix.h"
#include "support/paths.h"

namespace ccexpert::datasets {
namespace {

std::set<std::string> uids_in(const fs::path& list) {
  std::set<std::string> uids;
  for (const auto& pair : data::read_change_dataset(list)) uids.insert(pair.uid);
  return uids;
}

TEST_F(Lists, MergeJoinsPairsAndMovesPaths) {
  const auto first = lines("one/a.jsonl", {entry("x", 1, {"one"}), entry("y", 0, {"no change"})});
  const auto second = lines("one/b.jsonl", {entry("x", 1, {"one", "two"})});
  const auto third = lines("two/c.jsonl", {entry("x", 1, {"three"})});
  const auto summary = merge_lists({first, second, third}, folder_ / "out/all.json");
  EXPECT_EQ(summary.pairs, 3);
  EXPECT_EQ(summary.captions, 4);
  EXPECT_EQ(summary.merged, 1);
  EXPECT_EQ(summary.renamed, 1);
  const auto pairs = data::read_change_dataset(folder_ / "out/all.json");
  EXPECT_THAT(pairs[0].captions, ElementsAre("one", "two"));
  EXPECT_EQ(pairs[0].before, folder_ / "one/A/x.png");
  EXPECT_EQ(pairs[2].uid, "two/c/x");
  EXPECT_EQ(pairs[2].after, folder_ / "two/B/x.png");
  EXPECT_EQ(parsed(folder_ / "out/all.json")[0]["note"], "kept");
}

TEST_F(Lists, MergeNamesWhatIsWrong) {
  const auto bad = folder_.write("bad.jsonl", "{\"uid\": \"x\", \"img2_path\": \"b\"}\n");
  EXPECT_EQ(error_of([&] { merge_lists({bad}, folder_ / "o.json"); }),
            bad.string() + ": line 1: expected a path 'before' (or 'img1_path'), got none");
  EXPECT_FALSE(fs::exists(folder_ / "o.json"));
  EXPECT_THAT(error_of([&] { merge_lists({many("m.jsonl", 2)}, folder_ / "m.jsonl"); }),
              HasSubstr("exists already"));
}

TEST_F(Lists, MergeRefusesFlagsThatContradict) {
  const auto first = lines("one/a.jsonl", {entry("x", 1, {"a house"})});
  const auto second = lines("one/b.jsonl", {entry("x", 0, {"no change"})});
  EXPECT_EQ(
      error_of([&] {
        merge_lists({first, second}, folder_ / "o.json");
      }),
      second.string() + ": line 1: change_flag: expected 1, as in an earlier entry of this pair, got 0");
  auto without = nlohmann::json::parse(entry("x", 0, {"other"}));
  without.erase("change_flag");
  const auto third = lines("one/c.jsonl", {without.dump()});
  merge_lists({third, first}, folder_ / "p.json");
  EXPECT_EQ(data::read_change_dataset(folder_ / "p.json")[0].changed, true);
}

TEST_F(Lists, SplitHoldsSharesForChangedAndUnchanged) {
  const auto counts = split_list(many("all.jsonl", 200), folder_ / "split", {.shares = {0.7, 0.2, 0.1}});
  EXPECT_THAT(counts, ElementsAre(140, 40, 20));
  int64_t changed = 0;
  for (const auto& pair : data::read_change_dataset(folder_ / "split/train.jsonl"))
    changed += pair.changed == true ? 1 : 0;
  EXPECT_EQ(changed, 70);
  EXPECT_EQ(data::read_change_dataset(folder_ / "split/train.jsonl")[0].before.parent_path(), folder_ / "A");
  auto all = uids_in(folder_ / "split/train.jsonl");
  all.merge(uids_in(folder_ / "split/val.jsonl"));
  all.merge(uids_in(folder_ / "split/test.jsonl"));
  EXPECT_EQ(all.size(), 200U);
  split_list(folder_ / "all.jsonl", folder_ / "again", {.shares = {0.7, 0.2, 0.1}});
  EXPECT_EQ(uids_in(folder_ / "again/val.jsonl"), uids_in(folder_ / "split/val.jsonl"));
  split_list(folder_ / "all.jsonl", folder_ / "other", {.shares = {0.7, 0.2, 0.1}, .seed = 7});
  EXPECT_NE(uids_in(folder_ / "other/val.jsonl"), uids_in(folder_ / "split/val.jsonl"));
}

TEST_F(Lists, SplitKeepsGroupsTogether) {
  std::vector<std::string> entries;
  for (int scene = 0; scene < 20; ++scene) {
    for (int tile = 1; tile <= 5; ++tile)
      entries.push_back(entry(fmt::format("s{}_w{}", scene, tile), 1, {"x"}));
  }
  split_list(lines("tiles.jsonl", entries), folder_ / "split", {.shares = {0.5, 0.25, 0.25}});
  std::set<std::string> seen;
  for (const auto* split : {"train", "val", "test"}) {
    std::set<std::string> scenes;
    for (const auto& uid : uids_in(folder_ / "split" / (std::string(split) + ".jsonl")))
      scenes.insert(uid.substr(0, uid.find('_')));
    for (const auto& scene : scenes) EXPECT_TRUE(seen.insert(scene).second) << scene;
  }
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_THAT(error_of([&] { split_list(folder_ / "tiles.jsonl", folder_ / "o", {.group = "("}); }),
              HasSubstr("group: expected a regular expression, got '('"));
  EXPECT_THAT(error_of([&] {
                split_list(folder_ / "tiles.jsonl", folder_ / "o", {.shares = {0.5, 0.5, 0.5}});
              }),
              HasSubstr("shares: expected three shares of at least 0 with the sum 1"));
}

TEST_F(Lists, ALongUidIsSplitAsAnother) {
  const std::string name(50'000, 'a');
  const auto list = lines("long.jsonl", {entry(name + "_w1", 1, {"x"}), entry(name + "_w2", 1, {"y"})});
  const auto counts = split_list(list, folder_ / "long", {.shares = {0.5, 0.5, 0.0}});
  EXPECT_EQ(counts[0] + counts[1], 2);
  EXPECT_EQ(std::max(counts[0], counts[1]), 2);  // windows of one pair stay together
}

TEST_F(Lists, AnExpressionThatTakesTooLongIsRefused) {
  const auto list = lines("evil.jsonl", {entry(std::string(5'000, 'a') + "b", 1, {"x"})});
  EXPECT_THAT(error_of([&] { split_list(list, folder_ / "evil", {.group = "^(a+)+$"}); }),
              HasSubstr("(use a simpler expression)"));
}

TEST_F(Lists, PairsAreLeftOutByTheirUids) {
  const auto list = many("all.jsonl", 4);
  EXPECT_EQ(leave_out(list, folder_ / "deep/rest.json", {"p001", "p003"}), 2);
  EXPECT_EQ(uids_in(folder_ / "deep/rest.json"), (std::set<std::string>{"p000", "p002"}));
  EXPECT_EQ(data::read_change_dataset(folder_ / "deep/rest.json")[0].before, folder_ / "A/p000.png");
  EXPECT_THAT(error_of([&] {
                leave_out(list, folder_ / "x.json", {"p000", "p001", "p002", "p003"});
              }),
              HasSubstr("expected at least one remaining pair, got none"));
}

TEST_F(Lists, SampleDrawsAsManyAsAskedInOrder) {
  const auto list = many("all.jsonl", 101);
  EXPECT_EQ(sample_list(list, folder_ / "s.json", {.count = 10}), 10);
  const auto pairs = data::read_change_dataset(folder_ / "s.json");
  ASSERT_EQ(pairs.size(), 10U);
  for (size_t i = 1; i < pairs.size(); ++i) EXPECT_LT(pairs[i - 1].uid, pairs[i].uid);
  EXPECT_EQ(sample_list(list, folder_ / "t.json", {.share = 0.05}), 6);
  EXPECT_EQ(sample_list(list, folder_ / "u.json", {.count = 500}), 101);
  EXPECT_THAT(error_of([&] { sample_list(list, folder_ / "v.json", {.share = 0}); }),
              HasSubstr("share: expected above 0"));
}

TEST_F(Lists, AListOfTheFolderOneIsInNeedsNoPath) {
  const auto before = fs::current_path();
  fs::current_path(many("all.jsonl", 4).parent_path());
  const auto drawn = error_of([] { sample_list("all.jsonl", "some.json", {.count = 2}); });
  fs::current_path(before);
  EXPECT_EQ(drawn, "no error");
  EXPECT_EQ(data::read_change_dataset(folder_ / "some.json").size(), 2U);
}

class Mixes : public Lists {
 protected:
  void SetUp() override {
    many("data/levir-cc/train.jsonl", 10);
    many("data/vismin/train.jsonl", 4);
  }
  fs::path recipe(const std::string& entries) const {
    return folder_.write("recipe.yaml", "datasets:\n" + entries);
  }
};

TEST_F(Mixes, BecomeADataListThatTrainingReads) {
  const auto parts =
      mix(recipe("- {json_path: levir-cc/train.json, sampling_strategy: 'first:50%', repeat: 3}\n"
                 "- {json_path: vismin/train.json}\n"),
          folder_ / "lists/mix.yaml", {.root = folder_ / "data"});
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].pairs, 5);
  EXPECT_EQ(parts[0].captions, 5);
  EXPECT_EQ(parts[0].repeat, 3);
  const auto pairs = data::read_data_list(folder_ / "lists/mix.yaml");
  ASSERT_EQ(pairs.size(), 9U);
  EXPECT_EQ(pairs[0].repeat, 3);
  EXPECT_EQ(pairs[0].before.lexically_normal(), folder_ / "data/levir-cc/A/p000.png");
  EXPECT_EQ(pairs[8].repeat, 1);
}

TEST_F(Mixes, MissingSetsAreListedOrLeftOut) {
  const auto file =
      recipe("- {json_path: levir-cc/train.json}\n- {json_path: second/train.json}\n- {json_path: x.json}\n");
  EXPECT_THAT(error_of([&] { mix(file, folder_ / "m.yaml", {.root = folder_ / "data"}); }),
              HasSubstr(fmt::format("none at {}, {} (convert those sources first, or use --skip-missing)",
                                    (folder_ / "data/second/train.json").string(),
                                    (folder_ / "data/x.json").string())));
  EXPECT_FALSE(fs::exists(folder_ / "m.yaml"));
  const auto parts =
      mix(file, folder_ / "m.yaml", {.root = folder_ / "data", .skip_missing = true, .repeats = {"levir=6"}});
  EXPECT_TRUE(parts[1].missing);
  EXPECT_EQ(data::read_data_list(folder_ / "m.yaml").front().repeat, 6);
  EXPECT_THAT(
      error_of([&] { mix(file, folder_ / "n.yaml", {.root = folder_ / "data", .repeats = {"sysu=2"}}); }),
      HasSubstr("repeat: expected a name contained in a json_path of the recipe, got 'sysu'"));
}

TEST_F(Mixes, SplitsAndKeptCaptionsAreCountedAndWritten) {
  const std::vector<std::string> four{"one change", "two changes", "three changes", "four changes"};
  lines("data/clevr/train.jsonl", {entry("a", 1, four), entry("b", 1, {"one change"})});
  lines("data/clevr/val.jsonl", {entry("c", 1, four)});
  const auto parts =
      mix(recipe("- {json_path: 'clevr/{split}.json', splits: [train, val], captions: 'random:3'}\n"),
          folder_ / "m.yaml", {.root = folder_ / "data"});
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].json_path, "clevr/train.json");
  EXPECT_EQ(parts[0].captions, 4);
  EXPECT_EQ(parts[1].captions, 3);
  const auto pairs = data::read_data_list(folder_ / "m.yaml");
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].captions.size(), 3U);
  EXPECT_EQ(pairs[1].captions.size(), 1U);
  EXPECT_EQ(pairs[2].captions.size(), 3U);
}

/// Writes lists of all splits of CC-Foundation's sources.
class ShippedRecipes : public Lists {
 protected:
  void SetUp() override {
    for (const auto* source : {"levir-cc", "sysu-cd", "second", "clevr-change", "image-editing-request",
                               "spot-the-diff", "stvchrono", "vismin", "changesim"}) {
      for (const auto* split : {"train", "val", "test"})
        many(fmt::format("cc/{}/{}.jsonl", source, split), 1);
    }
  }
  /// Returns the visits of its pair by "SOURCE/SPLIT" of a recipe.
  std::map<std::string, int64_t> visits(const char* recipe) const {
    std::map<std::string, int64_t> visits;
    const auto file = fs::path(test::kSourceDir) / "configs/data" / recipe;
    for (const auto& part : mix(file, folder_ / "m.yaml", {.root = folder_ / "cc"}))
      visits[fs::path(part.json_path).replace_extension().string()] += part.pairs * part.repeat;
    return visits;
  }
};

TEST_F(ShippedRecipes, ThePapersHasItsSourcesAndTheSharesOfTableI) {
  using Visits = std::map<std::string, int64_t>;
  EXPECT_EQ(visits("cc_foundation.yaml"), (Visits{{"levir-cc/train", 3},
                                                  {"sysu-cd/train", 3},
                                                  {"second/train", 3},
                                                  {"clevr-change/train", 1},
                                                  {"image-editing-request/train", 1},
                                                  {"spot-the-diff/train", 1},
                                                  {"stvchrono/train", 1},
                                                  {"vismin/train", 1},
                                                  {"changesim/train", 1}}));
  std::map<std::string, std::string> cut;
  const auto file = fs::path(test::kSourceDir) / "configs/data/cc_foundation.yaml";
  for (const auto& dataset : data::read_listed_datasets(file)) {
    if (!dataset.sampling_strategy.is_all()) cut[dataset.json_path] = dataset.sampling_strategy.text();
  }
  EXPECT_EQ(cut, (std::map<std::string, std::string>{{"vismin/train.json", "random:83000"},
                                                     {"changesim/train.json", "random:24000"},
                                                     {"sysu-cd/train.json", "random:13000"},
                                                     {"second/train.json", "random:5000"}}));
}

/// Files of the authors' list, one line per visit.
TEST_F(ShippedRecipes, TheReleasedOneHasTheSplitsAndVisitsOfTheAuthorsList) {
  using Visits = std::map<std::string, int64_t>;
  EXPECT_EQ(visits("cc_foundation_released.yaml"), (Visits{{"changesim/train", 1},
                                                           {"changesim/test", 1},
                                                           {"clevr-change/train", 1},
                                                           {"clevr-change/val", 1},
                                                           {"image-editing-request/train", 1},
                                                           {"image-editing-request/val", 1},
                                                           {"spot-the-diff/train", 2},
                                                           {"spot-the-diff/val", 2},
                                                           {"stvchrono/train", 1},
                                                           {"stvchrono/test", 1},
                                                           {"vismin/train", 1},
                                                           {"levir-cc/train", 6},
                                                           {"sysu-cd/train", 3},
                                                           {"sysu-cd/val", 3},
                                                           {"second/train", 3}}));
  const auto file = fs::path(test::kSourceDir) / "configs/data/cc_foundation_released.yaml";
  for (const auto& dataset : data::read_listed_datasets(file)) {
    const bool clevr = dataset.json_path.starts_with("clevr-change/");
    EXPECT_EQ(dataset.captions.text(), clevr ? "random:3" : "all") << dataset.json_path;
    EXPECT_TRUE(dataset.sampling_strategy.is_all());
  }
}

}  // namespace
}  // namespace ccexpert::datasets
