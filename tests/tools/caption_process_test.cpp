// Process tests of ccexpert-caption with a small real model.
#include <algorithm>
#include <numeric>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/text/prompt.h>

#include "support/files.h"
#include "support/paths.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"
#include "tools/killed_process.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string kModel = std::string(test::kTestData) + "/checkpoint-tiny";
const std::string kBefore = std::string(test::kSourceDir) + "/docs/images/demo/before.png";
const std::string kAfter = std::string(test::kSourceDir) + "/docs/images/demo/after.png";
const std::string kDemoCaption = "many houses are built along the road .";

std::vector<std::string> command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {CCEXPERT_CAPTION, "--model", kModel});
  return arguments;
}

ProcessResult caption(std::vector<std::string> arguments) {
  return run_process(command(std::move(arguments)));
}

/// Writes a list of `count` pairs, all with the demo images.
std::filesystem::path write_list(const TemporaryFolder& folder, int count) {
  std::string list = "uid,before,after\n";
  for (int i = 0; i < count; ++i) list += fmt::format("{},{},{}\n", i, kBefore, kAfter);
  return folder.write("pairs.csv", list);
}

TEST(CaptionProcess, PrintsTheCaptionAndNothingElse) {
  const auto result = caption({kBefore, kAfter});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, kDemoCaption + "\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(caption({"--stream", kBefore, kAfter}).out, result.out);
  EXPECT_EQ(caption({"--beams", "3", kBefore, kAfter}).exit_code, 0);
}

TEST(CaptionProcess, ScoresWhatItCaptioned) {
  const TemporaryFolder folder;
  const auto list = write_list(folder, 3).string();
  const auto output = (folder / "captions.jsonl").string();
  const auto references = folder.write(
      "references.json", R"([{"uid": "0", "change_caption": "many houses are built along the road ."},
      {"uid": "1", "change_caption": "a road"}, {"uid": "2", "change_caption": "a tree"}])");
  const auto result = caption({"--pairs", list, "--format", "jsonl", "--output", output, "--quiet",
                               "--evaluate", references.string(), "--no-meteor"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("3 pairs, 1 references each; tokenizer reference"));
  EXPECT_THAT(result.out, HasSubstr("ROUGE-L"));
  const auto refused = caption({"--pairs", list, "--evaluate", references.string()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err,
              HasSubstr("--evaluate: expected with many pairs, --format jsonl and --output FILE"));
  const auto absent = caption({"--pairs", list, "--format", "jsonl", "--output",
                               (folder / "x.jsonl").string(), "--evaluate", "/none.json", "--no-meteor"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.jsonl"));
}

TEST(CaptionProcess, ScoresTheSplitAndByTheTokenizerThatAreNamed) {
  const TemporaryFolder folder;
  const auto references = folder.write("levir.json", R"({"images": [
      {"filename": "0.png", "split": "val", "sentences": [{"raw": " a road ."}]},
      {"filename": "1.png", "split": "test", "sentences": [{"raw": " a tree ."}]}]})");
  const auto result = caption({"--pairs", write_list(folder, 1).string(), "--format", "jsonl", "--output",
                               (folder / "c.jsonl").string(), "--quiet", "--evaluate", references.string(),
                               "--split", "val", "--tokenizer", "ptb", "--no-meteor"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1 pairs (split val), 1 references each; tokenizer ptb"));
  EXPECT_THAT(caption({kBefore, kAfter, "--split", "val"}).err,
              HasSubstr("--split, --tokenizer, --meteor-data: expected with --evaluate"));
}

TEST(CaptionProcess, ErrorsAreOneLineAndAnExitCode) {
  const auto missing = caption({"/none/before.png", kAfter});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, ::testing::StartsWith("ccexpert-caption: /none/before.png: "));
  EXPECT_EQ(std::count(missing.err.begin(), missing.err.end(), '\n'), 1);

  const auto model = run_process({CCEXPERT_CAPTION, "--model", "/none", kBefore, kAfter});
  EXPECT_EQ(model.exit_code, 1);
  EXPECT_THAT(model.err, HasSubstr("/none: expected a checkpoint folder"));

  const auto usage = caption({"--beams", "x", kBefore, kAfter});
  EXPECT_EQ(usage.exit_code, 2);
  EXPECT_THAT(usage.err, HasSubstr("See ccexpert-caption --help."));

  const auto device = caption({"--device", "tpu", kBefore, kAfter});
  EXPECT_EQ(device.exit_code, 2);
  EXPECT_THAT(device.err, HasSubstr("--device: expected cpu, cuda, cuda:N or auto, got 'tpu'\n"));

  const auto full = caption({"--format", "jsonl", "--output", "/dev/full", kBefore, kAfter});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("/dev/full: cannot be written (No space left on device)"));
}

TEST(CaptionProcess, ACaptionThatWasNotWrittenIsNoSuccess) {
  for (const std::string& arguments :
       {kBefore + " " + kAfter, "--stream " + kBefore + " " + kAfter, std::string("--help")}) {
    const auto result = run_process(
        {"/bin/sh", "-c", fmt::format("{} --model {} {} > /dev/full", CCEXPERT_CAPTION, kModel, arguments)});
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(result.err, HasSubstr("ccexpert-caption: standard output: cannot be written"));
  }
}

TEST(CaptionProcess, AListIsNotItsOwnOutput) {
  const TemporaryFolder folder;
  const auto list = folder.write(
      "pairs.jsonl", fmt::format(R"({{"uid":"1","before":"{}","after":"{}"}})", kBefore, kAfter) + "\n");
  const auto same =
      caption({"--pairs", list.string(), "--format", "jsonl", "--output", list.string(), "--overwrite"});
  EXPECT_EQ(same.exit_code, 2);
  EXPECT_THAT(same.err, HasSubstr("--output: expected a file other than --pairs"));
  const auto other = folder.write("other.jsonl", R"({"uid":"1","before":"a","after":"b"})"
                                                 "\n");
  const auto resumed =
      caption({"--pairs", list.string(), "--format", "jsonl", "--output", other.string(), "--resume"});
  EXPECT_EQ(resumed.exit_code, 1);
  EXPECT_THAT(resumed.err, HasSubstr("line 1: expected an object with caption, or error, got neither"));
}

TEST(CaptionProcess, SomePairsFailed) {
  const TemporaryFolder folder;
  const auto list =
      folder.write("pairs.jsonl", json{{"uid", "good"}, {"before", kBefore}, {"after", kAfter}}.dump() +
                                      "\n" + R"({"uid":"bad","before":"x.png","after":"y.png"})");
  const auto result = caption({"--pairs", list, "--format", "jsonl"});
  EXPECT_EQ(result.exit_code, 3);
  std::istringstream lines(result.out);
  std::string good, bad;
  std::getline(lines, good);
  std::getline(lines, bad);
  EXPECT_EQ(json::parse(good).at("caption"), kDemoCaption);
  EXPECT_THAT(json::parse(bad).at("error").get<std::string>(), HasSubstr("x.png"));
  EXPECT_THAT(result.err, HasSubstr("1 of 2 pairs failed"));
}

TEST(CaptionProcess, DifferentSizesAreAWarning) {
  const TemporaryFolder folder;
  write_image(folder / "small.png", 90, 10, 20);
  const auto result = caption({kBefore, folder / "small.png"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("differ in size (256x256 and 20x10 px)"));
  EXPECT_EQ(caption({"--quiet", kBefore, folder / "small.png"}).err, "");
}

TEST(CaptionProcess, ADamagedJpegIsAWarningAlsoWhenQuiet) {
  const TemporaryFolder folder;
  auto bytes = content(std::filesystem::path(kTestData) / "preprocess/images/baseline_444.jpg");
  bytes.insert(bytes.rfind("\xff\xd9"), 99, '\x01');
  const auto jpeg = folder.write("x.jpg", bytes).string();
  const auto result = caption({"--quiet", jpeg, jpeg});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("warning: " + jpeg + ": a JPEG with damaged data"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST(CaptionProcess, AnExistingOutputIsNotTouchedUnasked) {
  const TemporaryFolder folder;
  const auto output = folder.write("out.csv", "mine\n");
  const auto result = caption({"--pairs", write_list(folder, 1), "--format", "csv", "--output", output});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("out.csv: exists already (--resume continues it, --overwrite replaces it)"));
  EXPECT_EQ(content(output), "mine\n");
}

class Killed : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Signals, Killed, ::testing::Values(SIGKILL, SIGTERM, SIGINT));

TEST_P(Killed, AndResumedEqualsUninterrupted) {
  const TemporaryFolder folder;
  const auto to = [&](const std::string& name) {
    return std::vector<std::string>{"--pairs", folder / "pairs.csv", "--format",   "jsonl", "--batch-size",
                                    "1",       "--output",           folder / name};
  };
  // Captions of this list take minutes: the signal comes amid them.
  write_list(folder, 5000);
  Process process(command(to("cut")));
  wait_until(process, [&] { return content(folder / "cut").size() >= 500; });
  process.signal(GetParam());
  EXPECT_EQ(process.wait().exit_code, 128 + GetParam());
  const auto left = content(folder / "cut");

  write_list(folder, static_cast<int>(std::ranges::count(left, '\n')) + 5);
  ASSERT_EQ(caption(to("whole")).exit_code, 0);
  EXPECT_TRUE(content(folder / "whole").starts_with(left));
  auto cut = to("cut");
  cut.push_back("--resume");
  const auto resumed = caption(cut);
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr("pairs are already captioned"));
  EXPECT_EQ(content(folder / "cut"), content(folder / "whole"));
}

TEST(CaptionProcess, TimingsAsJson) {
  const TemporaryFolder folder;
  const auto result = caption({"--timings", "--timings-file", folder / "t.json", kBefore, kAfter});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("tokens/s"));
  const auto timings = json::parse(content(folder / "t.json"));
  EXPECT_EQ(timings.at("pairs"), 1);
  EXPECT_EQ(timings.at("encoded_images"), 2);
  EXPECT_EQ(timings.at("reused_images"), 0);
  EXPECT_GT(timings.at("generated_tokens"), 3);
  EXPECT_GT(timings.at("seconds").at("vision"), 0.0);
  EXPECT_EQ(timings.at("decoding").at("repetition_penalty"), 1.0);
  EXPECT_EQ(timings.at("question"), text::kReferenceQuestion);
  EXPECT_THAT(timings.at("engine").get<std::string>(), HasSubstr(" float32, "));
  EXPECT_THAT(timings.at("model").get<std::string>(), HasSubstr(" float32 on cpu"));
}

TEST(CaptionProcess, TimingsThatCannotBeWrittenStopTheRunBeforeItBegins) {
  const TemporaryFolder folder;
  const std::vector<std::string> pair{"--format", "jsonl", "--output", folder / "out", kBefore, kAfter};
  for (const auto& [file, problem] :
       {std::pair<std::string, std::string>{folder / "none/t.json",
                                            "cannot be written (No such file or directory)"},
        {folder.path(), "expected a regular file, got a folder"},
        {"/dev/null", "expected a regular file, got a device"}}) {
    auto arguments = pair;
    arguments.insert(arguments.begin(), {"--timings-file", file});
    const auto result = caption(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err, "ccexpert-caption: " + file + ": " + problem + "\n");
    EXPECT_FALSE(std::filesystem::exists(folder / "out")) << file;
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(CaptionProcess, AFailedStartLeavesNoOutput) {
  const TemporaryFolder folder;
  folder.write("model/config.json", "{}");
  const std::vector<std::string> arguments{
      CCEXPERT_CAPTION, "--model", folder / "model", "--format", "csv", "--output", folder / "out"};
  for (std::vector<std::string> input :
       {std::vector<std::string>{kBefore, kAfter}, {"--pairs", write_list(folder, 1)}}) {
    input.insert(input.begin(), arguments.begin(), arguments.end());
    EXPECT_EQ(run_process(input).exit_code, 1);
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  }
}

TEST(CaptionProcess, OnePairIsNotCaptionedTwiceIntoOneFile) {
  const TemporaryFolder folder;
  const auto output = (folder / "out").string();
  const std::vector<std::string> arguments{"--format", "jsonl", "--resume", "--output",
                                           output,     kBefore, kAfter};
  EXPECT_EQ(caption(arguments).exit_code, 0);
  const auto once = content(output);
  EXPECT_EQ(std::count(once.begin(), once.end(), '\n'), 1);

  auto again = command(arguments);
  const auto result = run_process(again);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "ccexpert-caption: " + kBefore + ": already captioned in " + output + "\n");
  again.push_back("--quiet");
  EXPECT_EQ(run_process(again).err, "");
  EXPECT_EQ(content(output), once);

  auto other = arguments;
  std::swap(other[5], other[6]);
  EXPECT_EQ(caption(other).exit_code, 0);
  const auto both = content(output);
  EXPECT_EQ(std::count(both.begin(), both.end(), '\n'), 2);
}

TEST(CaptionProcess, TheDemoModelLiesBesideTheProgram) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "bin");
  const auto program = folder / "bin/ccexpert-caption";
  std::filesystem::copy_file(CCEXPERT_CAPTION, program);
  std::filesystem::create_directories(folder / "libexec/ccexpert");
  std::filesystem::copy_file(CCEXPERT_CAPTION "-run", folder / "libexec/ccexpert/ccexpert-caption-run");
  const auto models = folder / "share/ccexpert/models";
  std::filesystem::create_directories(models);
  std::filesystem::copy(kModel, models / "demo", std::filesystem::copy_options::recursive);
  EXPECT_EQ(run_process({program, kBefore, kAfter}).out, kDemoCaption + "\n");

  if (std::filesystem::exists(CCEXPERT_INSTALLED_DATA "/ccexpert/models/demo")) return;
  // The program must not depend on its build folder.
  std::filesystem::remove_all(models);
  const auto alone = run_process({program, kBefore, kAfter});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("the model that comes with ccexpert was not installed"));
}

TEST(CaptionProcess, AProgramOfTheBuildTreeUsesItsOwnModels) {
  const auto build = std::filesystem::path(CCEXPERT_CAPTION).parent_path().parent_path();
  EXPECT_EQ(std::filesystem::read_symlink(build / "share/ccexpert/models"),
            std::filesystem::path(test::kSourceDir) / "models");
}

TEST(CaptionProcess, RealPairsGiveTheReferencesCaptions) {
  const auto shared = real_pairs();
  if (!shared) GTEST_SKIP() << kNoRealPairs;
  const auto expected = json::parse(content(kModel + "/expected.json"));
  const TemporaryFolder folder;
  std::string list;
  for (const auto& pair : expected.at("pairs")) {
    list += json{{"before", pair.at("images")[0]}, {"after", pair.at("images")[1]}}.dump() + "\n";
  }
  const auto result =
      caption({"--pairs", folder.write("pairs.jsonl", list), "--image-root", shared->string(), "--format",
               "jsonl", "--max-new-tokens", expected.at("max_new_tokens").dump()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  for (const auto& pair : expected.at("pairs")) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    const auto caption = json::parse(line);
    EXPECT_EQ(caption.at("token_ids"), pair.at("generated_ids"));
    EXPECT_EQ(caption.at("caption"), pair.at("text"));
    const auto logprobs = pair.at("logprobs").get<std::vector<double>>();
    EXPECT_NEAR(caption.at("logprob").get<double>(), std::accumulate(logprobs.begin(), logprobs.end(), 0.0),
                1e-3);
    EXPECT_EQ(caption.at("before"),
              (*shared / pair.at("images")[0].get<std::string>()).lexically_normal().string());
  }
}

}  // namespace
}  // namespace ccexpert::test
