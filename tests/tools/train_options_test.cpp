#include "train/train_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ParsedTrainCommand parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ccexpert-train");
  return parse_train_command(static_cast<int>(arguments.size()), arguments.data());
}

/// Returns the first line of a usage error, without the program name.
std::string refusal(const std::vector<const char*>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_EQ(parsed.exit_code, 2);
  constexpr std::string_view kPrefix = "ccexpert-train: ";
  EXPECT_THAT(parsed.text, StartsWith(std::string(kPrefix)));
  return parsed.text.substr(kPrefix.size(), parsed.text.find('\n') - kPrefix.size());
}

TEST(TrainOptions, AConfigIsEnough) {
  const auto parsed = parse({"--config", "c.yaml"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.config, "c.yaml");
  EXPECT_TRUE(parsed.command.overrides.empty());
  EXPECT_EQ(parsed.command.processes, 0);
  EXPECT_FALSE(parsed.command.plan);
  EXPECT_FALSE(parsed.command.quiet);
}

TEST(TrainOptions, EveryOptionArrives) {
  const auto parsed = parse(
      {"-c", "c.yaml", "batch.micro=1", "--nproc", "4", "--plan", "--ranks=16", "-q", "data.train=a=b"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_THAT(parsed.command.overrides, ElementsAre("batch.micro=1", "data.train=a=b"));
  EXPECT_EQ(parsed.command.processes, 4);
  EXPECT_TRUE(parsed.command.plan);
  EXPECT_EQ(parsed.command.plan_ranks, 16);
  EXPECT_TRUE(parsed.command.quiet);
}

TEST(TrainOptions, AnExportNeedsNoConfig) {
  const auto parsed = parse(
      {"--export", "from", "--to", "to", "--dtype", "float16", "--shard-mb", "10", "--layout", "llava-hf"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.export_from, "from");
  EXPECT_EQ(parsed.command.export_to, "to");
  EXPECT_EQ(parsed.command.export_dtype, Precision::kFloat16);
  EXPECT_EQ(parsed.command.export_layout, io::CheckpointLayout::kLlavaHf);
  EXPECT_EQ(parsed.command.export_shard_mb, 10.0);
  EXPECT_EQ(parse({"--export", "from", "--to", "to", "--adapter", "a"}).command.export_adapter, "a");
  EXPECT_EQ(refusal({"--export", "from"}), "export: expected --export and --to together");
  EXPECT_EQ(refusal({"--export", "a", "--to", "b", "--config", "c"}), "--export: expected without --config");
  for (const char* other : {"--plan", "--nproc=2", "batch.micro=1"}) {
    EXPECT_EQ(refusal({"--export", "a", "--to", "b", other}),
              "--export: expected without --plan, --nproc and KEY=VALUE");
  }
  EXPECT_EQ(refusal({"--config", "c", "--dtype", "float32"}), "--dtype requires --export or --vision");
  EXPECT_EQ(refusal({"--config", "c", "--shard-mb", "10"}), "--shard-mb requires --export or --vision");
  EXPECT_EQ(refusal({"--config", "c", "--layout", "lmms"}), "--layout requires --export");
  EXPECT_EQ(refusal({"--export", "a", "--to", "b", "--ranks", "8"}), "--export: expected without --ranks");
  EXPECT_THAT(refusal({"--export", "a", "--to", "b", "--shard-mb", "1e300"}), HasSubstr("--shard-mb"));
}

TEST(TrainOptions, AnAverageNeedsNoConfig) {
  const auto parsed = parse({"--average", "a", "b", "-o", "out", "--weights", "2,1"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_THAT(parsed.command.average, ElementsAre("a", "b"));
  EXPECT_EQ(parsed.command.average_to, "out");
  EXPECT_THAT(parsed.command.average_weights, ElementsAre(2.0, 1.0));
  EXPECT_EQ(refusal({"--average", "a"}), "average: expected --average and -o together");
  EXPECT_EQ(refusal({"--config", "c", "-o", "out"}), "average: expected --average and -o together");
  EXPECT_EQ(refusal({"--average", "a", "-o", "b", "--config", "c"}),
            "--average: expected without --config, --export, --plan, --nproc and KEY=VALUE");
  EXPECT_EQ(refusal({"--average", "a", "-o", "b", "--row", "3"}), "--average: expected without --row");
  EXPECT_EQ(refusal({"--average", "a", "-o", "b", "--ranks", "8"}), "--average: expected without --ranks");
  EXPECT_EQ(refusal({"--average", "a", "-o", "b", "--to", "c"}), "--average: expected without --to");
  EXPECT_EQ(refusal({"--config", "c", "--weights", "1"}), "--weights requires --average");
  EXPECT_THAT(refusal({"--average", "a", "-o", "b", "--weights", "-1"}), HasSubstr("--weights"));
}

TEST(TrainOptions, ASweepNeedsNoConfig) {
  const auto parsed = parse({"--sweep", "s.yaml", "--row", "3", "--nproc", "8", "batch.micro=1"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.sweep, "s.yaml");
  EXPECT_EQ(parsed.command.row, 3);
  EXPECT_EQ(parse({"--sweep", "s.yaml"}).command.row, 0);
  EXPECT_EQ(refusal({"--sweep", "s", "--config", "c"}), "--sweep: expected without --config and --export");
  EXPECT_EQ(refusal({"--sweep", "s", "--export", "a", "--to", "b"}),
            "--sweep: expected without --config and --export");
  EXPECT_EQ(refusal({"--config", "c", "--row", "1"}), "--row: expected with --sweep");
  EXPECT_THAT(refusal({"--sweep", "s", "--row", "0"}), HasSubstr("--row"));
}

TEST(TrainOptions, ComposeABase) {
  const auto parsed = parse({"--vision", "tower", "--decoder", "model", "--to", "base", "--image-size", "512",
                             "--dtype", "float32", "--shard-mb", "10"});
  EXPECT_EQ(parsed.text, "");
  EXPECT_EQ(parsed.command.vision, "tower");
  EXPECT_EQ(parsed.command.decoder, "model");
  EXPECT_EQ(parsed.command.export_to, "base");
  EXPECT_EQ(parsed.command.image_size, 512);
  EXPECT_EQ(parsed.command.export_dtype, Precision::kFloat32);
  EXPECT_EQ(refusal({"--vision", "a", "--to", "b"}),
            "compose: expected --vision, --decoder and --to together");
  EXPECT_EQ(refusal({"--decoder", "a", "--to", "b"}),
            "compose: expected --vision, --decoder and --to together");
  EXPECT_EQ(
      refusal({"--vision", "a", "--decoder", "b", "--to", "c", "--plan"}),
      "--vision: expected without --config, --sweep, --export, --average, --plan, --nproc and KEY=VALUE");
  EXPECT_EQ(
      refusal({"--vision", "a", "--decoder", "b", "--to", "c", "--export", "d"}),
      "--vision: expected without --config, --sweep, --export, --average, --plan, --nproc and KEY=VALUE");
  EXPECT_EQ(refusal({"--vision", "a", "--decoder", "b", "--to", "c", "--layout", "lmms"}),
            "--layout: expected without --vision, as a base has the layout of LLaVA's code");
  for (const char* other : {"--output", "--row", "--ranks"}) {
    EXPECT_EQ(refusal({"--vision", "a", "--decoder", "b", "--to", "c", other, "1"}),
              std::string("--vision: expected without ") + other);
  }
  EXPECT_EQ(refusal({"--config", "c", "--image-size", "384"}), "--image-size requires --vision");
}

TEST(TrainOptions, WrongArgumentsAreNamed) {
  EXPECT_EQ(refusal({}), "--config: expected a YAML file, got none");
  EXPECT_EQ(refusal({"--config", "c", "micro"}),
            "arguments: expected KEY=VALUE, for instance batch.micro=1, got 'micro'");
  EXPECT_EQ(refusal({"--config", "c", "--ranks", "2"}), "--ranks: expected with --plan");
  EXPECT_THAT(refusal({"--config", "c", "--nproc", "0"}), HasSubstr("--nproc"));
  EXPECT_THAT(refusal({"--config", "c", "--nproc", "x"}), HasSubstr("--nproc"));
  EXPECT_THAT(refusal({"--config", "c", "--nprok", "2"}), HasSubstr("--nprok"));
  EXPECT_THAT(refusal({"--config"}), HasSubstr("--config"));
  EXPECT_THAT(refusal({"--export", "a", "--to", "b", "--dtype", "int8"}), HasSubstr("--dtype"));
  EXPECT_THAT(refusal({"--export", "a", "--to", "b", "--layout", "hf"}), HasSubstr("--layout"));
}

TEST(TrainOptions, HelpAndVersionGoToStandardOutput) {
  const auto help = parse({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* text : {"--config", "--nproc", "--plan", "KEY=VALUE", "Exit codes: 0 done, 1 failed"})
    EXPECT_THAT(help.text, HasSubstr(text));
  EXPECT_THAT(parse({"--version"}).text, HasSubstr("ccexpert-train"));
  EXPECT_EQ(parse({"--version"}).exit_code, 0);
  EXPECT_THAT(parse({"--completion", "bash"}).text, HasSubstr("--nproc"));
}

}  // namespace
}  // namespace ccexpert::tools
