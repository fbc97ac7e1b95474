// Process tests of ccexpert-data.
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/killed_process.h"
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
  /// Returns all files below a folder, by relative path.
  std::map<std::string, std::string> files(const std::string& name) const {
    std::map<std::string, std::string> result;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
      if (entry.is_regular_file())
        result[fs::relative(entry.path(), folder_ / name).string()] = content(entry.path());
    }
    return result;
  }
  /// Returns bash's completions after `words`, the last of which is incomplete.
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
    const auto image = folder_ / fmt::format("cut/images/B/{:06}.png", 10 + 10 * attempt);
    kill_when(synth("cut", 60), [&] { return fs::exists(image); });
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

TEST_F(DataProcess, ConvertMixValidateStatsAndViewGoTogether) {
  ASSERT_EQ(run_process(synth("own/scenes", 12)).exit_code, 0);
  fs::rename(folder_ / "own/scenes/images/A", folder_ / "own/before");
  fs::rename(folder_ / "own/scenes/images/B", folder_ / "own/after");
  folder_.write("own/captions.csv",
                "name,caption\n000000.png,a house is built\n000001,nothing has changed\nno.png,x y\n");
  const auto own = (folder_ / "own").string(), out = (folder_ / "data/own").string();
  const auto refused = run({"convert", "auto", own, "-o", out});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("captions.csv: row 4: before: expected an image file, got "));
  EXPECT_FALSE(fs::exists(folder_ / "data/own/train.json"));
  const auto converted = run({"convert", "auto", own, "-o", out, "--on-error", "skip"});
  EXPECT_EQ(converted.exit_code, 3) << converted.err;
  EXPECT_THAT(converted.out, HasSubstr("train            2           2         1          1"));
  EXPECT_THAT(converted.err, HasSubstr("1 entries were left out, see "));

  folder_.write("recipe.yaml", "datasets:\n- {json_path: own/train.json, repeat: 3}\n");
  const auto list = (folder_ / "mix.yaml").string();
  const auto mixed =
      run({"mix", (folder_ / "recipe.yaml").string(), "--root", (folder_ / "data").string(), "-o", list});
  EXPECT_EQ(mixed.exit_code, 0) << mixed.err;
  const auto valid = run({"validate", out, "-q"});
  EXPECT_EQ(valid.exit_code, 0) << valid.err;
  EXPECT_EQ(valid.out, "2 pairs, 4 images opened\nno problems\n");
  const auto stats = run({"stats", list});
  EXPECT_THAT(stats.out, HasSubstr("visits per epoch        6"));
  const auto sheet = (folder_ / "sheet.png").string();
  EXPECT_EQ(run({"view", list, "-o", sheet}).exit_code, 0);
  EXPECT_TRUE(content(sheet).starts_with("\x89PNG"));
}

TEST_F(DataProcess, ValidateExitsWith3WhereThereAreProblems) {
  ASSERT_EQ(run_process(synth("scenes", 6)).exit_code, 0);
  std::ofstream(folder_ / "scenes/images/A/000000.png") << "broken";
  const auto list = folder_.write("scenes/all.jsonl",
                                  "{\"uid\": \"x\", \"img1_path\": \"images/A/000000.png\", \"img2_path\": "
                                  "\"images/B/000000.png\", \"change_caption\": [\"a\"]}\n");
  const auto result = run({"validate", list.string(), "-q", "--report", (folder_ / "problems.txt").string()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("image: "));
  EXPECT_THAT(content(folder_ / "problems.txt"), HasSubstr("all.jsonl: line 1: "));
}

TEST_F(DataProcess, OverlapLeavesOutWhatItCannotReadAndExitsWith3) {
  ASSERT_EQ(run_process(synth("scenes", 6)).exit_code, 0);
  std::ofstream(folder_ / "scenes/images/A/000000.png") << "broken";
  const auto entry = [](const std::string& name) {
    return "{\"uid\": \"" + name + "\", \"img1_path\": \"images/A/" + name +
           ".png\", \"img2_path\": \"images/B/" + name + ".png\", \"change_caption\": [\"a\"]}\n";
  };
  const auto list = folder_.write("scenes/all.jsonl", entry("000000") + entry("000001"));
  const auto test = folder_.write("scenes/test.jsonl", entry("000002"));
  const auto clean = folder_ / "scenes/clean.jsonl";
  const auto result =
      run({"overlap", list.string(), "--against", test.string(), "--clean", clean.string(), "-q"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("1 pairs could not be read and were not compared"));
  EXPECT_THAT(content(clean), Not(HasSubstr("000000")));
  EXPECT_THAT(run({"validate", test.string(), "-q"}).out, HasSubstr("held out: " + test.string()));
}

TEST_F(DataProcess, AKilledConversionLeavesNoList) {
  std::string list = "{\"images\": [";
  for (int i = 0; i < 6000; ++i) {
    list += std::string(i == 0 ? "" : ",") + R"({"filepath": "train", "filename": ")" + std::to_string(i) +
            R"(.png", "changeflag": 1, "sentences": [{"raw": "a road is built"}]})";
  }
  folder_.write("levir/LevirCCcaptions.json", list + "]}");
  const auto arguments = command({"convert", "levir-cc", (folder_ / "levir").string(), "-o",
                                  (folder_ / "out").string(), "--no-image-checks", "-q"});
  run_until_size(arguments, 100'000);
  EXPECT_FALSE(fs::exists(folder_ / "out/train.json"));
  ASSERT_EQ(run_process(arguments).exit_code, 0);
  EXPECT_GT(fs::file_size(folder_ / "out/train.json"), 200'000U);
  EXPECT_EQ(nlohmann::json::parse(content(folder_ / "out/train.json")).size(), 6000U);
}

TEST_F(DataProcess, WrongArgumentsExitWith2AndNameTheNearest) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "expected a command: convert, annotate, mix"},
      {{"convert", "auto"}, "expected a source and a folder, as in: convert auto DIR -o OUT"},
      {{"convert", "auto", "x"}, "--out: expected a folder, got none"},
      {{"convert", "auto", "x", "-o", "y", "--on-error", "igno"},
       "--on-error: expected error or skip, got 'igno'"},
      {{"validate"}, "expected lists or a folder, got none"},
      {{"overlap", "x"}, "--against: expected the list of a test set, got none"},
      {{"convert", "auto", "x", "-o", "y", "--jobs", "1025"}, "--jobs: expected 0 to 1024 threads, got 1025"},
      {{"convert", "auto", "x", "-o", "y", "--crop-target", "5"}, "--crop-target: expected 0 to 1, got 5"},
      {{"stats", "x", "--jobs", "1025"}, "--jobs: expected 0 to 1024 threads, got 1025"},
      {{"stats", "x", "--samples", "-1"}, "--samples: expected at least 0, got -1"},
      {{"validate", "x", "--jobs", "1025"}, "--jobs: expected 0 to 1024 threads, got 1025"},
      {{"validate", "x", "--distance", "65"}, "--distance: expected 0 to 64 bits, got 65"},
      {{"overlap", "x", "--against", "y", "--jobs", "1025"}, "--jobs: expected 0 to 1024 threads, got 1025"},
      {{"overlap", "x", "--against", "y", "--tile", "-1"}, "--tile: expected at least 0 pixels, got -1"},
      {{"view", "x", "-o", "y", "--pairs", "0"}, "--pairs: expected 1 to 500, got 0"},
      {{"annotate", "x", "-o", "y", "--captions", "21"}, "--captions: expected 1 to 20, got 21"},
      {{"annotate", "x", "-o", "y", "--timeout", "0"}, "--timeout: expected above 0, got 0"},
      {{"sample", "x", "-o", "y", "--share", "1.5"}, "--share: expected above 0 and at most 1, got 1.5"},
      {{"annotate", "x", "-o", "y"}, "--base-url: expected the address of an endpoint, or OPENAI_BASE_URL"},
      {{"synth"}, "--out: expected a folder to write"},
      {{"synth", "--out", "x", "--pair", "3"}, "unknown option --pair (did you mean --pairs?)"},
      {{"synth", "--out", "x", "--size", "12"}, "size: expected 128 to 1024 pixels, got 12"},
      {{"vocabulary", "--out", "x"}, "--data: expected annotations, got none"},
      {{"synht"}, "unexpected argument 'synht'"},
      {{"merge", "x", "-o", "-"}, "--out: expected the name of a file, got -"},
      {{"sample", "x", "-o", "-"}, "--out: expected the name of a file, got -"},
      {{"overlap", "x", "--against", "y", "-o", "-"}, "--out: expected the name of a file, got -"},
      {{"stats", "x", "--jobs", "99999999999999999999"},
       "--jobs: expected a whole number, got 99999999999999999999"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, StartsWith("ccexpert-data: "));
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(DataProcess, MixPrintsNothingBeforeAnError) {
  const auto recipe = folder_.write("r.yaml", "datasets:\n  - json_path: none.json\n    repeat: 3\n");
  const auto out = (folder_ / "out.yaml").string();
  const auto result = run({"mix", recipe.string(), "-o", out});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(run({"mix", recipe.string(), "-o", out, "--repeat", "none=1000001"}).err,
              HasSubstr("repeat: expected NAME=N with N from 1 to 1000000, got 'none=1000001'"));
}

TEST_F(DataProcess, HelpIsOfTheCommandAskedFor) {
  EXPECT_THAT(run({"--help"}).out, HasSubstr("vocabulary"));
  const auto synth_help = run({"synth", "--help"}).out;
  EXPECT_THAT(synth_help, HasSubstr("--train-share"));
  EXPECT_THAT(synth_help, Not(HasSubstr("annotations whose captions")));
  EXPECT_THAT(run({"annotate", "--help"}).out, HasSubstr("concurrent requests; 1 to 256"));
}

TEST_F(DataProcess, BashCompletesCommandsAndTheirOptions) {
  EXPECT_EQ(completions("ccexpert-data sy"), "synth\n");
  EXPECT_THAT(completions("ccexpert-data synth --"), HasSubstr("--train-share"));
  EXPECT_THAT(completions("ccexpert-data vocabulary --"), Not(HasSubstr("--train-share")));
  EXPECT_THAT(completions("ccexpert-data --"), HasSubstr("--version"));
}

}  // namespace
}  // namespace ccexpert::test
