// Training, ccexpert-data and ccexpert-eval read the same entries and refuse the same ones in the same words.
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/data/change_dataset.h>

#include "datasets/lists/universal.h"
#include "eval/shared/caption_files.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

using test::error_of;

/// Fields that all three readers give.
struct Row {
  std::string uid;
  std::filesystem::path before, after;
  std::vector<std::string> captions;
  std::optional<bool> changed;

  bool operator==(const Row&) const = default;
};

Row row_of(const data::ChangeExample& example) {
  return {example.uid, example.before, example.after, example.captions, example.changed};
}

class UniversalFormat : public ::testing::Test {
 protected:
  std::filesystem::path written(const std::string& entry) const {
    return folder_.write("list.json", "[" + entry + "]");
  }
  static Row trained(const std::filesystem::path& list) {
    return row_of(data::read_change_dataset(list).front());
  }
  static Row listed(const std::filesystem::path& list) {
    std::optional<Row> row;
    datasets::visit_examples(
        list, {}, [&](data::ChangeExample&& example, const std::string&) { row = row_of(example); });
    return row.value();
  }
  static Row scored(const std::filesystem::path& list) {
    const auto entry = eval::read_references(list).front();
    return {entry.uid, entry.before, entry.after, entry.references, entry.changed};
  }

  const test::TemporaryFolder folder_;
};

/// An entry with a part of another spelling.
struct Spelling {
  std::string uid = R"("uid": "u", )";
  std::string paths = R"("before": "a", "after": "b", )";
  std::string captions = R"("change_caption": ["x", "y"])";
  std::string rest = {};

  std::string text() const { return "{" + uid + paths + captions + rest + "}"; }
};

TEST_F(UniversalFormat, EveryAcceptedSpellingIsReadAlike) {
  const Row base{"u", folder_ / "a", folder_ / "b", {"x", "y"}, std::nullopt};
  const auto with = [&](const auto& change) {
    auto row = base;
    change(row);
    return row;
  };
  const auto named = [&](const char* uid) { return with([&](Row& row) { row.uid = uid; }); };
  const auto flagged = [&](bool flag) { return with([&](Row& row) { row.changed = flag; }); };
  std::vector<std::pair<Spelling, Row>> cases{
      {{}, base},
      {{.uid = R"("uid": 7, )"}, named("7")},
      {{.uid = R"("uid": null, )"}, named("a")},
      {{.uid = R"("uid": "", )"}, named("a")},
      {{.uid = ""}, named("a")},
      {{.paths = R"("img1_path": "a", "img2_path": "b", )"}, base},
      {{.paths = R"("before": "a", "img1_path": "c", "img2_path": "b", )"}, base},
      {{.paths = R"("before": "", "img1_path": "a", "after": null, "img2_path": "b", )"}, base},
      {{.captions = R"("change_caption": "x")"}, with([](Row& row) { row.captions = {"x"}; })},
      {{.rest = R"(, "change_flag": null)"}, base},
      {{.rest = R"(, "mask_path": null, "classes1_path": "", "classes2_path": "c", "more": [{}])"}, base}};
  for (const auto* yes : {"1", "true", R"("1")", R"("true")", "1.0"})
    cases.push_back({{.rest = fmt::format(R"(, "change_flag": {})", yes)}, flagged(true)});
  for (const auto* no : {"0", "false", R"("0")", R"("false")"})
    cases.push_back({{.rest = fmt::format(R"(, "change_flag": {})", no)}, flagged(false)});
  for (const auto& [spelling, row] : cases) {
    const auto list = written(spelling.text());
    EXPECT_EQ(trained(list), row) << spelling.text();
    EXPECT_EQ(listed(list), row) << spelling.text();
    EXPECT_EQ(scored(list), row) << spelling.text();
  }
}

TEST_F(UniversalFormat, EveryRefusedSpellingIsRefusedInTheSameWords) {
  const std::string captions = "change_caption: expected a caption or a list of captions, ";
  std::vector<std::pair<std::string, std::string>> cases{
      {"3", "expected an object, got 3"},
      {Spelling{.captions = R"("more": 1)"}.text(), captions + "got none"}};
  const auto refused = [&](const Spelling& spelling, const std::string& problem) {
    cases.emplace_back(spelling.text(), problem);
  };
  for (const auto* uid : {"1.5", "true"})
    refused({.uid = fmt::format(R"("uid": {}, )", uid)}, fmt::format("uid: expected a string, got {}", uid));
  refused({.paths = R"("before": 5, "after": "b", )"}, "before: expected a string, got 5");
  refused({.paths = R"("before": "a", "img2_path": ["b"], )"}, "img2_path: expected a string, got an array");
  for (const auto* caption : {"7", R"(" ")", "true"})
    refused({.captions = fmt::format(R"("change_caption": {})", caption)},
            captions + "none blank, got " + caption);
  refused({.captions = R"("change_caption": ["x", ""])"}, captions + R"(none blank, got "")");
  for (const auto* flag : {"2", "-1", R"("yes")", R"("True")"})
    refused({.rest = fmt::format(R"(, "change_flag": {})", flag)},
            fmt::format("change_flag: expected 0, 1, true or false, got {}", flag));
  refused({.rest = R"(, "mask_path": 1)"}, "mask_path: expected a string, got 1");
  for (const auto& [text, problem] : cases) {
    const auto list = written(text);
    const auto expected = fmt::format("{}: entry 1: {}", list.string(), problem);
    EXPECT_EQ(error_of([&] { trained(list); }), expected);
    // ccexpert-data reads pairs without captions, as annotate needs them.
    EXPECT_EQ(error_of([&] { listed(list); }), problem == captions + "got none" ? "no error" : expected);
    EXPECT_THAT(error_of([&] { scored(list); }), ::testing::StartsWith(expected));
  }
}

TEST_F(UniversalFormat, OnlyCaptionsMayBeMissingInAListToAnnotate) {
  for (const auto* none : {R"("more": 1)", R"("change_caption": null)", R"("change_caption": [])"}) {
    const auto list = written(Spelling{.captions = none}.text());
    EXPECT_TRUE(listed(list).captions.empty());
    EXPECT_NE(error_of([&] { trained(list); }), "no error");
    EXPECT_NE(error_of([&] { scored(list); }), "no error");
  }
}

}  // namespace
}  // namespace ccexpert
