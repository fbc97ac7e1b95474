// ccexpert-data as a user runs it.
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DataProcess : public ::testing::Test {
 protected:
  static std::vector<std::string> command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CCEXPERT_DATA);
    return arguments;
  }
  static ProcessResult run(std::vector<std::string> arguments) {
    return run_process(command(std::move(arguments)));
  }
  std::vector<std::string> synth(const std::string& name, int pairs) const {
    return command({"synth", "--out", (folder_ / name).string(), "--pairs", std::to_string(pairs), "--size",
                    "128", "--jobs", "1"});
  }
  /// All files below a folder, by their path within.
  std::map<std::string, std::string> files(const std::string& name) const {
    std::map<std::string, std::string> result;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
      if (entry.is_regular_file())
        result[fs::relative(entry.path(), folder_ / name).string()] = content(entry.path());
    }
    return result;
  }
  /// What bash offers behind `words`, the last of which is being typed.
  static std::string completions(const std::string& words) {
    const auto script = "eval \"$('" CCEXPERT_DATA "' --completion bash)\"; COMP_WORDS=(" + words +
                        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ccexpert_data; echo \"${COMPREPLY[@]}\"";
    return run_process({"/bin/bash", "-c", script}).out;
  }

  TemporaryFolder folder_;
};

TEST_F(DataProcess, SynthWritesWhatTrainingReads) {
  const auto result = run_process(synth("scenes", 10));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto train = nlohmann::json::parse(content(folder_ / "scenes/train.json"));
  ASSERT_FALSE(train.empty());
  EXPECT_EQ(train[0]["change_caption"].size(), 5U);
  EXPECT_TRUE(fs::exists(folder_ / "scenes" / train[0]["img1_path"].get<std::string>()));
  EXPECT_TRUE(fs::exists(folder_ / "scenes" / train[0]["mask_path"].get<std::string>()));
}

TEST_F(DataProcess, AKilledSynthGoesOnToTheSameFiles) {
  ASSERT_EQ(run_process(synth("whole", 60)).exit_code, 0);
  for (int attempt = 0; attempt < 3; ++attempt) {
    Process process(synth("cut", 60));
    std::this_thread::sleep_for(std::chrono::milliseconds(60 + 40 * attempt));
    process.signal(SIGKILL);
    process.wait();
  }
  const auto last = run_process(synth("cut", 60));
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(files("cut"), files("whole"));
}

TEST_F(DataProcess, AFolderOfOtherOptionsIsLeftAlone) {
  ASSERT_EQ(run_process(synth("scenes", 4)).exit_code, 0);
  const auto before = files("scenes");
  auto other = synth("scenes", 4);
  other.insert(other.end(), {"--seed", "7"});
  const auto result = run_process(other);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("seed: expected 7, got 42"));
  EXPECT_EQ(files("scenes"), before);
}

TEST_F(DataProcess, VocabularyIsOfTheCaptions) {
  ASSERT_EQ(run_process(synth("scenes", 20)).exit_code, 0);
  const auto result = run({"vocabulary", "--data", (folder_ / "scenes/train.json").string(), "--out",
                           (folder_ / "tokenizer").string(), "--size", "400"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("captions"));
  EXPECT_THAT(content(folder_ / "tokenizer/vocab.json"), HasSubstr("assistant"));
  EXPECT_TRUE(fs::exists(folder_ / "tokenizer/merges.txt"));
}

TEST_F(DataProcess, WrongArgumentsExitWith2AndNameTheNearest) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "expected a command, synth or vocabulary"},
      {{"synth"}, "--out: expected a folder to write"},
      {{"synth", "--out", "x", "--pair", "3"}, "unknown option --pair (did you mean --pairs?)"},
      {{"synth", "--out", "x", "--size", "12"}, "size: expected 128 to 1024 pixels, got 12"},
      {{"vocabulary", "--out", "x"}, "--data: expected annotations, got none"},
      {{"synht"}, "unexpected argument 'synht'"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, StartsWith("ccexpert-data: "));
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(DataProcess, HelpIsOfTheCommandAskedFor) {
  EXPECT_THAT(run({"--help"}).out, HasSubstr("vocabulary"));
  const auto synth_help = run({"synth", "--help"}).out;
  EXPECT_THAT(synth_help, HasSubstr("--train-share"));
  EXPECT_THAT(synth_help, Not(HasSubstr("annotations whose captions")));
}

TEST_F(DataProcess, BashCompletesCommandsAndTheirOptions) {
  EXPECT_EQ(completions("ccexpert-data sy"), "synth\n");
  EXPECT_THAT(completions("ccexpert-data synth --"), HasSubstr("--train-share"));
  EXPECT_THAT(completions("ccexpert-data vocabulary --"), Not(HasSubstr("--train-share")));
  EXPECT_THAT(completions("ccexpert-data --"), HasSubstr("--version"));
}

}  // namespace
}  // namespace ccexpert::test
