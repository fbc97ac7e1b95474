// Process tests with standard streams that are closed, full, or pipes, and with signals during waits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/killed_process.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kModel = std::string(kTestData) + "/checkpoint-tiny";
const std::string kBefore = std::string(kSourceDir) + "/docs/images/demo/before.png";
const std::string kAfter = std::string(kSourceDir) + "/docs/images/demo/after.png";

/// Runs a shell line in a separate folder; `caption` in it is ccexpert-caption with the tiny model.
class Shell : public ::testing::Test {
 protected:
  ProcessResult run(const std::string& line) const {
    return run_process({"/bin/bash", "-c",
                        fmt::format("cd '{}'; caption() {{ '{}' --model '{}' \"$@\"; }}; {}",
                                    folder_.path().string(), CCEXPERT_CAPTION, kModel, line)});
  }

  void write_list(int count) const {
    std::string list = "uid,before,after\n";
    for (int i = 0; i < count; ++i) list += fmt::format("{},{},{}\n", i, kBefore, kAfter);
    folder_.write("pairs.csv", list);
  }

  TemporaryFolder folder_;
};

TEST_F(Shell, AClosedStandardErrorKeepsItsLinesOutOfTheOutput) {
  write_list(2);
  const auto result =
      run("caption --pairs pairs.csv -f jsonl -o open; caption --pairs pairs.csv -f jsonl -o closed 2>&-");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(content(folder_ / "closed"), content(folder_ / "open"));
}

TEST_F(Shell, AFullStandardErrorIsNotAFailure) {
  write_list(2);
  const std::string list = R"([{"uid": "1", "before": "x.png", "after": "y.png"}])";
  folder_.write("bad.json", list);
  EXPECT_EQ(run("caption --pairs pairs.csv -f jsonl -o out 2>/dev/full").exit_code, 0);
  EXPECT_EQ(run("caption --pairs bad.json -f jsonl -o bad 2>/dev/full").exit_code, 3);
  const std::string synth =
      std::string("'") + CCEXPERT_DATA +
      "' synth --out s --pairs 2 --size 128 --train-share 1 --val-share 0 --test-share 0 2>/dev/full";
  EXPECT_EQ(run(synth).exit_code, 0);
  EXPECT_EQ(run(std::string("'") + CCEXPERT_DATA + "' validate s/train.json 2>/dev/full >report").exit_code,
            0);
}

TEST_F(Shell, AClosedStandardOutputIsAFailure) {
  const auto closed = run("caption '" + kBefore + "' '" + kAfter + "' >&-");
  EXPECT_EQ(closed.exit_code, 1);
  EXPECT_THAT(closed.err, HasSubstr("standard output: cannot be written (Bad file descriptor)"));
}

TEST_F(Shell, AFullStandardOutputIsAFailureWithItsReason) {
  folder_.write("r.json", R"({"0": ["a road"]})");
  folder_.write("pairs.json", R"([{"uid": "1", "before": "a", "after": "b", "change_caption": "x"}])");
  const auto eval = fmt::format("'{}' r.json -r r.json --no-meteor --no-bootstrap", CCEXPERT_EVAL);
  for (const auto& line : {eval, std::string("caption --version"), std::string("caption --help"),
                           fmt::format("'{}' stats --no-images pairs.json", CCEXPERT_DATA)}) {
    const auto full = run(line + " > /dev/full");
    EXPECT_EQ(full.exit_code, 1) << line;
    EXPECT_THAT(full.err, HasSubstr("standard output: cannot be written (No space left on device)")) << line;
  }
}

TEST_F(Shell, ADashIsStandardInputOrOutput) {
  write_list(2);
  const auto listed = run("caption -q --pairs - -f jsonl -o - < pairs.csv");
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), 2);
  EXPECT_EQ(run("cat pairs.csv | caption -q --pairs - -f jsonl -o -").out, listed.out);
  EXPECT_EQ(run("caption -q --pairs <(cat pairs.csv) -f jsonl").out, listed.out);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "-"));
  const auto references =
      run("caption -q --pairs pairs.csv -f jsonl > c.jsonl; echo '{\"0\": [\"a road\"], \"1\": [\"a "
          "road\"]}' | '" +
          std::string(CCEXPERT_EVAL) + "' c.jsonl -r - --no-meteor --no-bootstrap -o -");
  EXPECT_EQ(references.exit_code, 0) << references.err;
  EXPECT_THAT(references.out, HasSubstr("ROUGE-L"));
  folder_.write("p", R"({"0": "a road"})");
  const auto eval = fmt::format("'{}' - -r p --no-meteor --no-bootstrap", CCEXPERT_EVAL);
  for (const auto& line : {eval + " < p", "cat p | " + eval}) {
    const auto scored = run(line);
    EXPECT_EQ(scored.exit_code, 0) << scored.err;
    EXPECT_THAT(scored.out, HasSubstr("ROUGE-L"));
  }
}

TEST_F(Shell, RelativePathsOfAStreamedListStartAtTheWorkingFolder) {
  std::filesystem::copy_file(kBefore, folder_ / "a.png");
  folder_.write("lists/l.json",
                R"({"uid": "1", "before": "a.png", "after": "a.png", "change_caption": "x"})");
  for (const std::string list :
       {"--pairs - < lists/l.json", "--pairs - < <(cat lists/l.json)", "--pairs <(cat lists/l.json)"}) {
    const auto result = run("caption -q -f jsonl " + list);
    EXPECT_EQ(result.exit_code, 0) << list << result.out << result.err;
    EXPECT_THAT(result.out, HasSubstr("\"before\":\"a.png\"")) << list;
  }
  const std::string data = std::string("'") + CCEXPERT_DATA + "' ";
  for (const std::string list : {"- < lists/l.json", "- < <(cat lists/l.json)", "<(cat lists/l.json)"}) {
    EXPECT_EQ(run(data + "merge --overwrite -o out/x.json " + list).exit_code, 0) << list;
    EXPECT_THAT(content(folder_ / "out/x.json"), HasSubstr("\"../a.png\"")) << list;
    EXPECT_EQ(run(data + "validate -q " + list).exit_code, 0) << list;
  }
}

TEST_F(Shell, AListFromAPipeIsReadOnce) {
  std::string list;
  for (int i = 0; i < 10; ++i) {
    list += fmt::format(
        "{{\"uid\": \"{0}\", \"before\": \"a{0}\", \"after\": \"b\", \"change_caption\": \"x\"}}\n", i);
  }
  folder_.write("list.json", list);
  const std::string data = std::string("cat list.json | '") + CCEXPERT_DATA + "' ";
  const auto sampled = run(data + "sample - -o s.json --pairs 4");
  EXPECT_EQ(sampled.out, "4 pairs\n") << sampled.err;
  EXPECT_EQ(run(data + "split - -o split").out, "train 8, val 1, test 1\n");
  for (const auto* name : {"train.json", "val.json", "test.json"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / "split" / name)) << name;
  EXPECT_THAT(run(data + "overlap - --against list.json --clean c.json").err,
              HasSubstr("--clean: expected a file as list, got a pipe"));
}

class Waiting : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Signals, Waiting, ::testing::Values(SIGTERM, SIGINT));

TEST_P(Waiting, ForAPipeEndsSoonAfterASignal) {
  const TemporaryFolder folder;
  const auto pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Process process({CCEXPERT_CAPTION, "--model", kModel, "--pairs", pipe, "--output", folder / "out"});
  const HeldPipe held(pipe, process);
  process.signal(GetParam());
  EXPECT_EQ(process.wait().exit_code, 128 + GetParam());
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_F(Shell, ShortNamesOfPrecisionsAreKnown) {
  const std::string pair = " -f jsonl '" + kBefore + "' '" + kAfter + "'";
  EXPECT_EQ(run("caption --dtype fp32" + pair).out, run("caption --dtype float32" + pair).out);
  EXPECT_EQ(run("caption --dtype bf16" + pair).exit_code, 0);
  EXPECT_THAT(run("caption --dtype int9" + pair).err,
              HasSubstr("--dtype: expected standard, auto, bfloat16, float16, float32 or int8, got 'int9'"));
}

TEST_F(Shell, TheOtherProgramIsMissingOrCannotBeRun) {
  const auto copied = (folder_ / "bin/ccexpert-caption").string();
  std::filesystem::create_directory(folder_ / "bin");
  std::filesystem::copy(CCEXPERT_CAPTION, copied);
  const auto arguments = {copied, std::string("--model"), kModel, kBefore, kAfter};
  const auto missing = run_process(arguments);
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.err,
            fmt::format("ccexpert-caption: ccexpert-caption-run: expected the program in {0}/bin or "
                        "{0}/libexec/ccexpert, got none (install ccexpert as a whole)\n",
                        folder_.path().string()));
  const auto other = folder_.write("bin/ccexpert-caption-run", "not a program");
  const auto refused = run_process(arguments);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            fmt::format("ccexpert-caption: {}: cannot be run (Permission denied)\n", copied + "-run"));
  std::filesystem::permissions(other, std::filesystem::perms::owner_all);
  EXPECT_THAT(run_process(arguments).err, HasSubstr("-run: cannot be run (Exec format error)"));
  EXPECT_EQ(run_process({copied, "--model"}).exit_code, 2);
}

TEST_F(Shell, AFolderIsNotComparedWithItself) {
  std::filesystem::create_directory(folder_ / "A");
  const auto result = run("caption --before A --after ./A/");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--after: expected a folder other than --before, got the same"));
}

TEST_F(Shell, ResumeRefusesCaptionsOfAnotherQuestionOrModel) {
  write_list(2);
  const std::string rest = " -q --pairs pairs.csv -f jsonl -o out";
  ASSERT_EQ(run("caption" + rest).exit_code, 0);
  const auto before = content(folder_ / "out");
  EXPECT_EQ(run("caption --resume" + rest).exit_code, 0);
  for (const std::string option : {"--prompt 'Did a road change?'", "--max-new-tokens 3"}) {
    const auto other = run("caption --resume " + option + rest);
    EXPECT_EQ(other.exit_code, 1) << option;
    EXPECT_THAT(other.err,
                HasSubstr("caption of 0: expected one of this model, question and options, got one of "
                          "another run"));
  }
  for (const std::string option : {"--dtype int8", "--device cpu --dtype auto"})
    EXPECT_EQ(run("caption --resume " + option + rest).exit_code, 1) << option;
  EXPECT_EQ(run("caption --resume --dtype bfloat16" + rest).exit_code, 0);
  std::filesystem::copy(kModel, folder_ / "model");
  const std::string copied = std::string("'") + CCEXPERT_CAPTION + "' --model model --resume" + rest;
  EXPECT_EQ(run(copied).exit_code, 0);
  folder_.write("model/config.json", content(kModel + "/config.json") + " ");
  EXPECT_EQ(run(copied).exit_code, 1);
  EXPECT_EQ(content(folder_ / "out"), before);
}

}  // namespace
}  // namespace ccexpert::test
