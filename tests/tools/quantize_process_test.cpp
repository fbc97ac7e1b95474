// Process tests of ccexpert-quantize.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class QuantizeProcess : public ::testing::Test {
 protected:
  ProcessResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), CCEXPERT_QUANTIZE);
    return run_process(arguments);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  TemporaryFolder folder_;
  std::string tiny_ = (std::filesystem::path(kTestData) / "checkpoint-tiny").string();
};

TEST_F(QuantizeProcess, WritesAModelAndPrintsTheLargestErrors) {
  const auto result = run({tiny_, "-o", path("int8"), "--report", path("report.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("matrices in 8 bits; the 10 with the largest relative errors"),
                                HasSubstr("model.")));
  const auto report = nlohmann::json::parse(read_file(path("report.json")));
  ASSERT_GT(report.size(), 20U);
  EXPECT_TRUE(report[0].contains("weights"));
  EXPECT_FALSE(report[0].contains("output"));
  EXPECT_THAT(read_file(path("int8/config.json")), HasSubstr("\"ccexpert_quantization\""));
}

TEST_F(QuantizeProcess, PrintsNothingIfQuiet) {
  const auto result = run({tiny_, "-o", path("int8"), "-q"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out + result.err, "");
}

TEST_F(QuantizeProcess, NamesWhatIsMissing) {
  const auto no_model = run({}), no_output = run({tiny_}),
             nothing_there = run({path("none"), "-o", path("int8")});
  EXPECT_EQ(no_model.exit_code, 2);
  EXPECT_THAT(no_model.err, StartsWith("ccexpert-quantize: MODEL: expected a checkpoint folder, got none"));
  EXPECT_EQ(no_output.exit_code, 2);
  EXPECT_THAT(no_output.err, StartsWith("ccexpert-quantize: --output: expected a folder, got none"));
  for (const char* name : {"--limit", "--image-root", "--logits"}) {
    const auto alone = run({tiny_, "-o", path("int8"), name, "1"});
    EXPECT_EQ(alone.exit_code, 2);
    EXPECT_THAT(alone.err, StartsWith(std::string("ccexpert-quantize: ") + name + " requires --pairs"));
  }
  EXPECT_EQ(run({tiny_, "-o", path("int8"), "--shard-mb", "1e300"}).exit_code, 2);
  EXPECT_EQ(nothing_there.exit_code, 1);
  EXPECT_EQ(nothing_there.err,
            "ccexpert-quantize: " + path("none") + ": expected a checkpoint folder, got nothing there\n");
}

TEST_F(QuantizeProcess, ComparesTheLogitsOfSamplePairs) {
  const auto image = (std::filesystem::path(kTestData) / "preprocess" / "images" / "gray.jpg").string();
  write_file(path("pairs.json"), nlohmann::json{{{"before", image}, {"after", image}}}.dump());
  const auto result =
      run({tiny_, "-o", path("int8"), "--pairs", path("pairs.json"), "--logits", path("logits.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("cosine with float32 at least 0.99"));
  const auto logits = nlohmann::json::parse(read_file(path("logits.json")));
  EXPECT_GT(logits.at("tokens"), 0);
  EXPECT_LE(logits.at("least_cosine"), logits.at("mean_cosine"));
  EXPECT_TRUE(logits.contains("same_choice"));
}

TEST_F(QuantizeProcess, ComparesTheLogitsOfBfloat16BesideThem) {
  const auto image = (std::filesystem::path(kTestData) / "preprocess" / "images" / "gray.jpg").string();
  write_file(path("pairs.json"), nlohmann::json{{{"before", image}, {"after", image}}}.dump());
  const auto result = run({tiny_, "-o", path("int8"), "--pairs", path("pairs.json"), "--beside-bfloat16",
                           "--logits", path("logits.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\nlogits in bfloat16 of "));
  const auto logits = nlohmann::json::parse(read_file(path("logits.json")));
  EXPECT_EQ(logits.at("bfloat16").at("tokens"), logits.at("tokens"));
  const auto alone = run({tiny_, "-o", path("other"), "--beside-bfloat16"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, StartsWith("ccexpert-quantize: --beside-bfloat16 requires --pairs"));
}

TEST_F(QuantizeProcess, RefusesAFolderWithFilesBeforeAnyWork) {
  write_file(path("mine.txt"), "kept");
  const auto result = run({tiny_, "-o", folder_.path().string(), "--pairs", path("none.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("expected a folder that is empty or does not exist yet, got one with files"));
}

TEST_F(QuantizeProcess, RefusesAPairThatIsNotAnImage) {
  write_file(path("pairs.json"), R"([{"before": "a.png", "after": "a.png"}])");
  write_file(path("a.png"), "not an image");
  const auto result = run({tiny_, "-o", path("int8"), "--pairs", path("pairs.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("a.png"));
  EXPECT_FALSE(std::filesystem::exists(path("int8")));
}

}  // namespace
}  // namespace ccexpert::test
