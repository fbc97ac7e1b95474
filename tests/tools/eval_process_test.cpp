// Process tests of ccexpert-eval.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "eval/meteor_tables.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

constexpr const char* kPredictions =
    R"({"uid": "a", "pred": "many houses are built .", "change_caption": ["many houses are built .", "houses appear ."], "change_flag": 1}
{"uid": "b", "pred": "a </script> road", "change_caption": ["there is no difference ."], "change_flag": 0}
{"uid": "c", "pred": "there is no difference .", "change_caption": ["there is no difference ."], "change_flag": 0}
{"uid": "a", "pred": "many houses are built .", "change_caption": ["many houses are built ."]}
)";

class EvalProcess : public ::testing::Test {
 protected:
  ProcessResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), CCEXPERT_EVAL);
    return run_process(arguments);
  }
  /// Runs the scorer with small METEOR tables.
  ProcessResult score(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--meteor-data", tables_.data().string()});
    return run(std::move(arguments));
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  MeteorTables tables_;
  TemporaryFolder folder_;
  std::string predictions_ = folder_.write("said.jsonl", kPredictions).string();
};

TEST_F(EvalProcess, PrintsTheTableAndHowItWasMade) {
  const auto result = score({predictions_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("3 pairs, 1 to 2 references each; tokenizer reference"),
                                HasSubstr("1 repeated entries count once"), HasSubstr("S*m"),
                                HasSubstr("unchanged"), HasSubstr("95 % low"), HasSubstr("66.67")));
  EXPECT_THAT(result.err, HasSubstr("building the index"));
  EXPECT_EQ(score({predictions_}).err, "");
  EXPECT_THAT(score({predictions_, "--tokenizer", "ptb"}).out, HasSubstr("tokenizer ptb"));
}

TEST_F(EvalProcess, JsonHoldsEveryNumber) {
  const auto result = score({predictions_, "--format", "json"});
  const auto object = nlohmann::json::parse(result.out);
  EXPECT_EQ(object["tokenizer"], "reference");
  EXPECT_EQ(object["repeated"], 1);
  const auto& all = object["subsets"]["all"];
  EXPECT_EQ(all["pairs"], 3);
  EXPECT_NEAR(all["scores"]["change accuracy"]["value"].get<double>(), 2.0 / 3.0, 1e-12);
  EXPECT_EQ(object["subsets"]["changed"]["scores"]["METEOR"]["value"], 1.0);
  EXPECT_TRUE(all["scores"]["METEOR"].contains("low"));
}

TEST_F(EvalProcess, WritesCsvLatexAndPairs) {
  EXPECT_THAT(
      score({predictions_, "--format", "csv", "--no-bootstrap"}).out,
      StartsWith("name,subset,pairs,tokenizer,BLEU-1,BLEU-2,BLEU-3,BLEU-4,METEOR,ROUGE-L,CIDEr-D,S*m,CIDEr,"
                 "change accuracy\r\nsaid,all,3,reference,"));
  EXPECT_THAT(score({predictions_, "--format", "latex", "--name", "A&B_1\\~^"}).out,
              AllOf(StartsWith("% Method & BLEU-1"),
                    HasSubstr("\nA\\&B\\_1\\textbackslash{}\\textasciitilde{}\\textasciicircum{} & "),
                    HasSubstr(" \\\\\n")));
  EXPECT_EQ(score({predictions_, "--pairs", path("pairs.csv"), "--output", path("table.txt")}).out, "");
  EXPECT_THAT(content(path("pairs.csv")), StartsWith("uid,changed,tokenizer,prediction,BLEU-1"));
  EXPECT_THAT(content(path("table.txt")), HasSubstr("S*m"));
  score({predictions_, "--pairs", path("pairs.jsonl")});
  const auto line =
      nlohmann::json::parse(content(path("pairs.jsonl")).substr(0, content(path("pairs.jsonl")).find('\n')));
  EXPECT_EQ(line["uid"], "a");
  EXPECT_EQ(line["tokenizer"], "reference");
  EXPECT_EQ(line["scores"]["METEOR"], 1.0);
}

TEST_F(EvalProcess, WithoutMeteorSaysSoAndNeverCountsZero) {
  const auto result = run({predictions_, "--no-meteor", "--format", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(Not(HasSubstr("METEOR")), Not(HasSubstr("S*m"))));
  EXPECT_THAT(run({predictions_, "--no-meteor"}).out, HasSubstr("Without METEOR there is no S*m"));
  const auto missing = run({predictions_, "--meteor-data", path("nowhere")});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, AllOf(HasSubstr("METEOR's data: expected a file"), HasSubstr("scripts/setup.sh")));
}

TEST_F(EvalProcess, MissingPairsAreSaidAndShowInTheExitCode) {
  const auto references = folder_.write("r.json", R"([{"uid": "a", "change_caption": "x"},
      {"uid": "z", "change_caption": "x"}])");
  const auto result =
      run({predictions_, "--references", references.string(), "--no-meteor", "--no-bootstrap"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("1 pairs have references but no prediction; they are not scored (z)"),
                    HasSubstr("2 predictions have no references; they are left out (b, c)")));
  EXPECT_THAT(result.out, HasSubstr("1 pairs, 1 references each"));
}

TEST_F(EvalProcess, ComparesTwoFiles) {
  const auto other =
      folder_.write("other.jsonl", R"({"uid": "a", "pred": "x", "change_caption": ["many houses"]}
{"uid": "c", "pred": "x y", "change_caption": ["there is no difference ."]}
)");
  const auto result = score({predictions_, "--compare", other.string(), "--bootstrap", "200"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              HasSubstr("1 predictions are of pairs missing in some of the files; they are left out"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("said, all"), HasSubstr("other, all"),
                                HasSubstr("difference to other, all"), HasSubstr("paired bootstrap")));
  const auto json = nlohmann::json::parse(
      score({predictions_, "--compare", other.string(), "--format", "json", "--quiet"}).out);
  const auto& with = json["compared_with"][0];
  EXPECT_EQ(with["name"], "other");
  EXPECT_GT(with["subsets"]["all"]["scores"]["BLEU-1"]["difference"]["value"].get<double>(), 0.5);
  EXPECT_EQ(json["left_out"], 1);
}

TEST_F(EvalProcess, ComparesSeveralFiles) {
  const auto file = [&](const std::string& name, const std::string& said) {
    return folder_
        .write(name, R"({"uid": "a", "pred": ")" + said + R"(", "change_caption": ["many houses appear"]})")
        .string();
  };
  const auto one = file("one.jsonl", "many houses appear"), two = file("two/said.jsonl", "a road"),
             three = file("three/said.jsonl", "many houses");
  const std::vector<std::string> compared{one, "--compare", two, "--compare", three, "--bootstrap", "50"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), compared.begin(), compared.end());
    return score(more);
  };
  const auto table = with({"--html", path("report.html")});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr(two + ", all"), HasSubstr("difference to " + three + ", all")));
  const auto named = with({"--format", "latex", "--name", "Ours", "--name", "A", "--name", "B"});
  EXPECT_THAT(named.out, AllOf(HasSubstr("\nOurs & 100.00"), HasSubstr("\nA & 0.00"), HasSubstr("\nB & ")));
  const auto json = nlohmann::json::parse(with({"--format", "json"}).out);
  EXPECT_EQ(json["compared_with"].size(), 2u);
  const auto page = content(path("report.html"));
  EXPECT_THAT(page, AllOf(HasSubstr(R"("said":[["many","exact"],["houses","exact"],["appear","exact"]])"),
                          HasSubstr(R"("said":[["a","missed"],["road","missed"]])"),
                          HasSubstr(R"("said":[["many","exact"],["houses","exact"]])")));
}

TEST_F(EvalProcess, RepeatedUidsCountOnceOrEach) {
  const auto each = score({predictions_, "--repeats", "each", "--format", "json"});
  const auto json = nlohmann::json::parse(each.out);
  EXPECT_EQ(json["repeats"], "each");
  EXPECT_EQ(json["subsets"]["all"]["pairs"], 4);
  EXPECT_THAT(score({predictions_, "--repeats", "each"}).out, HasSubstr("1 repeated entries count each"));
  const auto compared = score({predictions_, "--repeats", "each", "--compare", predictions_, "--format",
                               "json", "--bootstrap", "10"});
  EXPECT_EQ(nlohmann::json::parse(compared.out)["left_out"], 0);
}

TEST_F(EvalProcess, EveryFormatButLatexHasTheDifferences) {
  const auto other =
      folder_.write("other.jsonl", R"({"uid": "a", "pred": "x", "change_caption": ["many houses"]})");
  const auto csv = score({predictions_, "--compare", other.string(), "--bootstrap", "50", "--format", "csv",
                          "--html", path("report.html")})
                       .out;
  EXPECT_THAT(csv, HasSubstr(",BLEU-1,BLEU-1 low,BLEU-1 high,BLEU-1 difference,BLEU-1 difference low,"
                             "BLEU-1 difference high,BLEU-1 p,BLEU-2,"));
  std::istringstream lines(csv);
  std::vector<std::ptrdiff_t> commas;
  for (std::string line; std::getline(lines, line);)
    commas.push_back(std::count(line.begin(), line.end(), ','));
  EXPECT_THAT(commas, ::testing::Each(commas.front()));
  EXPECT_THAT(
      content(path("report.html")),
      AllOf(HasSubstr("<h2>compared with other</h2>"),
            HasSubstr("2 predictions of pairs missing in some files are left out"), HasSubstr("p &lt;0.02")));
}

TEST_F(EvalProcess, SaysThatReferencesWereMerged) {
  const auto references = folder_.write("r.jsonl", R"({"uid": "a", "change_caption": "many houses"}
{"uid": "a", "change_caption": "houses appear"}
)");
  const auto result =
      run({predictions_, "--references", references.string(), "--no-meteor", "--no-bootstrap"});
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("2 references each"), HasSubstr("references of 1 repeated entries merged")));
  EXPECT_THAT(result.err, HasSubstr("1 entry repeats a uid with other references, which are added"));
}

TEST_F(EvalProcess, ShowsTheWorstPairs) {
  const auto out = score({predictions_, "--worst", "1", "--by", "ROUGE-L"}).out;
  EXPECT_THAT(out,
              AllOf(HasSubstr("The 1 worst pairs by ROUGE-L"), HasSubstr("caption:   a </script> road")));
  const auto wild =
      folder_.write("wild.jsonl", R"({"uid": "a", "pred": "x\ny\u001b[2J", "change_caption": "z"})");
  EXPECT_THAT(score({wild.string(), "--worst", "1"}).out, HasSubstr("caption:   x y\\x1b[2J\n"));
}

TEST_F(EvalProcess, TheReportIsOnePageWithImagesAndMarkedWords) {
  folder_.write("A/1.png", "\x89PNG-before");
  folder_.write("B/1.png", "\x89PNG-after");
  const auto said = folder_.write(
      "said2.jsonl",
      R"({"uid": "a", "pred": "many cars", "change_caption": ["many automobile"], "before": "A/1.png", "after": "B/1.png"}
{"uid": "<b>", "pred": "</script>", "change_caption": ["x"], "before": "A/1.png", "after": "B/none.png"}
)");
  const auto result = score({said.string(), "--html", path("report.html")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto page = content(path("report.html"));
  EXPECT_THAT(page, HasSubstr("data:image/png;base64,iVBORy1iZWZvcmU="));
  EXPECT_THAT(page, HasSubstr(R"(["many","exact"],["cars","near"])"));
  EXPECT_THAT(page, HasSubstr(R"(["x","missed"])"));
  EXPECT_THAT(page, HasSubstr("no image that a browser can show"));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("src=\"http")), Not(HasSubstr("\"</script>\""))));
}

TEST_F(EvalProcess, WrongArgumentsExitWith2) {
  const std::string long_value(100'000, 'y');
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "expected a predictions file"},
      {{"x", "--tokeniser", "ptb"}, "unknown option --tokeniser (did you mean --tokenizer?)"},
      {{"x", "--pairs", "a.txt"}, "--pairs: expected a .jsonl or .csv file, got a.txt"},
      {{"x", "--compare", "y", "--no-bootstrap"}, "--compare: expected without --no-bootstrap"},
      {{"x", "--worst", "3", "--format", "json"}, "--worst: expected with --format table"},
      {{"x", "--no-meteor", "--by", "METEOR"}, "--by METEOR: expected without --no-meteor"},
      {{"x", "--figure", "f.jpg"}, "--figure: expected a .png, .svg or .pdf file, got f.jpg"},
      {{"x", "y"},
       "expected one predictions file, got 2 (y; put --compare before each other predictions file"},
      {{"x", "--compare", "y", "z"}, "got 2 (z; put --compare before each other predictions file"},
      {{"x", "--seed", "-1"}, "--seed: expected at least 0, got -1"},
      {{"x", "--figure-uid", "a"}, "--figure-uid: expected with --figure"},
      {{"x", "--html", "-"}, "--html: expected the name of a file, got -"},
      {{"x", "--tokenizer", long_value}, "--tokenizer: expected reference or ptb, got 'yyy"},
      {{"x", "--name", "a", "--name", "b"},
       "--name: expected at most 1 names, one per predictions file, got 2"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("ccexpert-eval: "), HasSubstr(message)));
  }
  const auto absent = run({path("none.jsonl"), "--no-meteor"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("none.jsonl: cannot be opened"));
}

TEST_F(EvalProcess, WhatCannotBeDoneIsSaidBeforeTheWork) {
  for (const char* option : {"--output", "--pairs", "--html", "--figure"}) {
    const auto file = path("nowhere/x") + (option == std::string("--pairs") ? ".csv" : ".png");
    const auto result = run({predictions_, "--no-meteor", option, file});
    EXPECT_EQ(result.exit_code, 1) << option;
    EXPECT_EQ(result.out, "") << option;
    EXPECT_THAT(result.err, HasSubstr("nowhere/x"));
  }
  const auto unknown = run({predictions_, "--no-meteor", "--figure", path("f.png"), "--figure-uid", "?"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.out, "");
  EXPECT_THAT(unknown.err, HasSubstr("--figure-uid: expected the uid of a scored pair, got ?"));
  EXPECT_THAT(run({predictions_, "--split", "train", "--no-meteor"}).err,
              HasSubstr("the references have no splits; all pairs are scored"));
}

TEST_F(EvalProcess, TellsOfItself) {
  EXPECT_THAT(run({"--help"}).out, AllOf(HasSubstr("--references"), HasSubstr("Exit codes")));
  EXPECT_THAT(run({"--version"}).out, StartsWith("ccexpert-eval "));
  EXPECT_THAT(run({"--completion", "bash"}).out,
              HasSubstr("--tokenizer) COMPREPLY=($(compgen -W \"reference ptb\""));
}

}  // namespace
}  // namespace ccexpert::test
