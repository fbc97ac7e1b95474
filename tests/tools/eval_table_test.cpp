// Tables of several rows: captions over seeds beside published scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "eval/table_run.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "train/shared/sweep.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EvalTable : public ::testing::Test {
 protected:
  EvalTable() {
    folder_.write("references.json",
                  R"([{"uid": "a", "change_flag": 1, "change_caption": ["a road is built in the field ."]},
                      {"uid": "b", "change_flag": 1, "change_caption": ["some houses appear near the wood ."]},
                      {"uid": "c", "change_flag": 0, "change_caption": ["there is no difference ."]}])");
    folder_.write("published.yaml",
                  "rows:\n  - row: paper\n    table: its Table I\n    source: A paper\n"
                  "    scores: {BLEU-4: 61.5, CIDEr-D: 130.25}\n");
    command_.no_meteor = true;
    command_.quiet = true;
  }
  void captions(const std::string& name, const std::string& a) const {
    folder_.write(name, "{\"uid\": \"a\", \"pred\": \"" + a +
                            "\"}\n"
                            "{\"uid\": \"b\", \"pred\": \"some houses appear near the wood .\"}\n"
                            "{\"uid\": \"c\", \"pred\": \"there is no difference .\"}\n");
  }
  TableResult score(const std::string& rows, const std::string& head = "") {
    command_.table =
        folder_.write("table.yaml", "title: A table\nreferences: " + at("references.json") +
                                        "\nsweep: " + at("runs") + "\n" + head + "rows:\n" + rows);
    return score_table(command_);
  }
  std::string refusal(const std::string& rows, const std::string& head = "") {
    return test::error_of([&] { score(rows, head); });
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
  EvalCommand command_;
};

TEST_F(EvalTable, ASweepsRowHasItsMeanOverSeeds) {
  captions("runs/full/seed-10/captions.jsonl", "a road is built in the field .");
  captions("runs/full/seed-2/captions.jsonl", "there is no difference .");
  captions("runs/full/seed-2/stage1/captions.jsonl", "a road is built in the wood .");
  const auto result = score("  - {name: ours, sweep: full}\n  - {name: first, sweep: full, stage: stage1}\n");
  EXPECT_EQ(result.exit_code, 0);
  ASSERT_EQ(result.rows.size(), 2U);
  const auto& ours = result.rows[0];
  ASSERT_EQ(ours.seeds.size(), 2U);
  EXPECT_EQ(ours.source.files[0].seed, "2");
  EXPECT_EQ(ours.source.files[1].seed, "10");
  // The change decision is right for two of three pairs with seed 2, for all with seed 10.
  const auto accuracy = result.columns.size() - 1;
  EXPECT_EQ(result.columns.back(), "change accuracy");
  EXPECT_NEAR(ours.means[accuracy].value, 5.0 / 6.0, 1e-12);
  EXPECT_NEAR(ours.means[accuracy].margin, 12.706205 / 6.0, 1e-5);
  EXPECT_EQ(result.rows[1].seeds.size(), 1U);
  EXPECT_NEAR(result.rows[1].means[accuracy].value, 1.0, 1e-12);
}

TEST_F(EvalTable, TheLastStageHasItsNameToo) {
  captions("runs/full/seed-1/captions.jsonl", "a road is built in the field .");
  folder_.write("runs/full/seed-1/run.json", R"({"last_stage": "stage3"})");
  EXPECT_EQ(score("  - {name: last, sweep: full, stage: stage3}\n").exit_code, 0);
  EXPECT_EQ(score("  - {name: first, sweep: full, stage: stage1}\n").exit_code, 3);
}

TEST_F(EvalTable, ARowOfOtherPairsIsNamed) {
  captions("x.jsonl", "a road is built in the field .");
  folder_.write("y.jsonl", R"({"uid": "a", "pred": "a road .", "change_caption": ["a road ."]})");
  folder_.write("z.jsonl", R"({"uid": "a", "pred": "a road .", "change_caption": ["a road ."]}
                              {"uid": "b", "pred": "a road .", "change_caption": ["a road ."]})");
  command_.quiet = false;
  command_.table = folder_.write("table.yaml", "rows:\n  - {name: one, predictions: [" + at("y.jsonl") +
                                                   "]}\n  - {name: two, predictions: [" + at("z.jsonl") +
                                                   ", " + at("y.jsonl") + "]}\n");
  ::testing::internal::CaptureStderr();
  score_table(command_);
  const auto notes = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(notes, AllOf(HasSubstr("two, seed 1 differs from the head of the table: 2 pairs"),
                           Not(HasSubstr("two, seed 2"))));
}

TEST_F(EvalTable, PublishedScoresStandBesideOurs) {
  captions("x.jsonl", "a road is built in the field .");
  captions("y.jsonl", "there is no difference .");
  const auto result = score("  - {name: ours, predictions: [" + at("x.jsonl") + "], published: paper}\n" +
                                "  - {name: other, predictions: [" + at("y.jsonl") + "]}\n" +
                                "  - {name: waiting, sweep: none}\n  - {name: theirs, published: paper}\n",
                            "published: published.yaml\nbaseline: ours\n");
  EXPECT_EQ(result.exit_code, 3);
  const auto text = formatted(result, TableFormat::kTable);
  EXPECT_THAT(text,
              AllOf(HasSubstr("A table\n3 pairs"), HasSubstr("published: A paper, its Table I.\n"),
                    HasSubstr("difference: to ours.\n"), HasSubstr("  61.50 "), HasSubstr("  130.25 ")));
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  // Columns: seeds, BLEU-1 to BLEU-4, ROUGE-L, CIDEr-D, change accuracy.
  EXPECT_THAT(lines.at(2), ::testing::MatchesRegex(" +seeds +BLEU-1 .*change accuracy"));
  EXPECT_THAT(lines.at(3), ::testing::MatchesRegex("ours +1 +100.00 .*100.00"));
  EXPECT_THAT(lines.at(4), ::testing::MatchesRegex("  published +– .*61.50 .*130.25 .*–"));
  EXPECT_THAT(lines.at(6), ::testing::MatchesRegex("  difference .*-33.33"));
  EXPECT_THAT(lines.at(7), ::testing::MatchesRegex("waiting +– +–.*"));
  const auto markdown = formatted(result, TableFormat::kMarkdown);
  EXPECT_THAT(markdown, AllOf(HasSubstr("|  | seeds | BLEU-1 |"), HasSubstr("|---|---:|"),
                              HasSubstr("| waiting | – |")));
  const auto json = nlohmann::json::parse(formatted(result, TableFormat::kJson));
  EXPECT_EQ(json["rows"][0]["published"]["scores"]["BLEU-4"], 61.5);
  EXPECT_FALSE(json["rows"][0].contains("difference"));
  EXPECT_NEAR(json["rows"][1]["difference"]["change accuracy"]["value"].get<double>(), -1.0 / 3.0, 1e-12);
  EXPECT_TRUE(json["rows"][1]["difference"]["change accuracy"]["margin"].is_null());
  EXPECT_FALSE(json["rows"][2].contains("mean"));
}

TEST_F(EvalTable, MistakesAreNamed) {
  EXPECT_THAT(refusal("  - {name: a, published: paper}\n"),
              HasSubstr("rows[0].published: expected a file of published"));
  EXPECT_THAT(refusal("  - {name: a, published: papr}\n", "published: published.yaml\n"),
              HasSubstr("rows[0].published: expected a row of the published scores, got 'papr'"));
  EXPECT_THAT(refusal("  - {sweep: a}\n"), HasSubstr("rows[0].name: expected a name"));
  EXPECT_THAT(refusal("  - {name: a, sweep: b}\n  - {name: a, sweep: c}\n"),
              HasSubstr("rows[1].name: expected a different name for each row, got 'a'"));
  EXPECT_THAT(refusal("  - {name: a, sweep: b, predictions: [c]}\n"),
              HasSubstr("rows[0].predictions: expected none, as `sweep` is set"));
  EXPECT_THAT(refusal("  - {name: a, stage: b}\n"), HasSubstr("rows[0].stage: expected a row of `sweep`"));
  EXPECT_THAT(refusal("  - {name: a, sweep: b}\n", "baseline: c\n"),
              HasSubstr("baseline: expected the name of a row, got 'c'"));
  EXPECT_THAT(refusal("  - {name: a, predictions: [/none.jsonl]}\n"), HasSubstr("/none.jsonl"));
  folder_.write("published.yaml", "rows:\n  - {row: paper, scores: {BLEU-5: 1}}\n");
  EXPECT_THAT(refusal("  - {name: a, published: paper}\n", "published: published.yaml\n"),
              HasSubstr("unknown key"));
  folder_.write("published.yaml", "rows:\n  - {row: paper, table: I, scores: {BLEU-4: 1}}\n");
  EXPECT_THAT(refusal("  - {name: a, published: paper}\n", "published: published.yaml\n"),
              HasSubstr("rows[0].source: expected where the scores were published"));
}

ParsedEvalCommand parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ccexpert-eval");
  return parse_eval_command(static_cast<int>(arguments.size()), arguments.data());
}

TEST_F(EvalTable, ItsOptionsExcludeThoseOfOneFile) {
  EXPECT_EQ(parse({"--table", "t.yaml", "--format", "markdown", "--no-meteor"}).command.table, "t.yaml");
  for (const auto& wrong : {std::vector<const char*>{"x.jsonl"},
                            {"--references", "r"},
                            {"--name", "n"},
                            {"--html", "h"},
                            {"--split", "test"},
                            {"--image-root", "."},
                            {"--html-images", "3"},
                            {"--figure-pairs", "3"},
                            {"--figure-uid", "a"},
                            {"--by", "METEOR"},
                            {"--bootstrap", "5"},
                            {"--seed", "1"},
                            {"--worst", "2"}}) {
    std::vector<const char*> arguments{"--table", "t.yaml"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_THAT(parse(arguments).text, HasSubstr("--table: expected without a predictions file"));
  }
  EXPECT_THAT(parse({"--table", "t.yaml", "--format", "csv"}).text,
              HasSubstr("--format csv: expected table, markdown or json with --table"));
}

TEST(ShippedTables, NameRowsOfTheShippedSweeps) {
  const fs::path configs = fs::path(test::kSourceDir) / "configs";
  std::map<std::string, std::set<std::string>> rows;  // of each sweep's folder
  for (const auto& entry : fs::directory_iterator(configs / "sweeps")) {
    SCOPED_TRACE(entry.path().string());
    const auto sweep = train::read_sweep(entry.path());
    for (const auto& run : train::runs_of(sweep, entry.path(), {})) rows[sweep.output].insert(run.row);
  }
  EXPECT_EQ(rows["runs/ablations"].size(), 14U);
  size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(configs / "tables")) {
    SCOPED_TRACE(entry.path().string());
    const auto source = read_table(entry.path());
    for (const auto& row : source.table.rows)
      EXPECT_TRUE(rows.at(source.table.sweep).contains(row.sweep)) << row.sweep;
    ++tables;
  }
  EXPECT_EQ(tables, 12U);
}

TEST(ShippedTables, PublishedMeansAreThoseOfTheirParts) {
  const auto source = read_table(fs::path(test::kSourceDir) / "configs/tables/table4.yaml");
  size_t published = 0;
  for (const auto& row : source.rows) {
    if (!row.published) continue;
    const auto& scores = row.published->scores;
    EXPECT_NEAR(*scores.s_star_m, (*scores.bleu_4 + *scores.meteor + *scores.rouge_l + *scores.cider_d) / 4.0,
                0.03);
    ++published;
  }
  EXPECT_EQ(published, 2U);
}

}  // namespace
}  // namespace ccexpert::tools
