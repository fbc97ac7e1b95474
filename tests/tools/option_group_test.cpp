#include "common/option_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/precision.h>

#include "common/completion.h"

namespace ccexpert::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Shade { kUnset, kDark, kLight };
constexpr auto names_of(Shade) {
  return std::to_array<Name<Shade>>(
      {{Shade::kUnset, ""}, {Shade::kDark, "dark", "d"}, {Shade::kLight, "light"}});
}

struct Sample {
  int64_t rows = 1;
  double ratio = 0.5;
  std::optional<double> weight;
  Shade shade = Shade::kUnset;
  Precision precision = Precision::kFloat32;
  DeviceName device;
  bool on = false;
  static constexpr auto fields() {
    return std::tuple{
        field("rows", &Sample::rows, "rows", in_range(1, 8, "rows")),
        field("ratio", &Sample::ratio, "share", in_range(0, open(1))),
        field("weight", &Sample::weight, "weight", above(0)),
        field("shade", &Sample::shade, "shade"),
        field("precision", &Sample::precision, "precision", among(Precision::kBfloat16, Precision::kFloat32)),
        field("device", &Sample::device, "device"),
        field("on", &Sample::on, "switch")};
  }
};

class Options : public ::testing::Test {
 protected:
  Options() {
    OptionGroup group(app_, "Look");
    for_each_field<Sample>([&](const auto& each) { group.field(each, sample_); });
  }

  /// Returns the problem of the arguments; "" if they are right.
  std::string problem(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "look");
    const auto leave =
        parse_command_line(app_, static_cast<int>(arguments.size()), arguments.data(), {}, [] {});
    return leave.text.substr(0, leave.text.find('\n'));
  }

  Sample sample_;
  CLI::App app_{"Looks.", "look"};
};

TEST_F(Options, ReadNamesAliasesAndNumbers) {
  EXPECT_EQ(problem({"--rows=8", "--ratio", "0", "--weight=0.25", "--shade=d", "--precision=bf16",
                     "--device=cuda:1", "--on"}),
            "");
  EXPECT_EQ(sample_.rows, 8);
  EXPECT_EQ(sample_.ratio, 0.0);
  EXPECT_EQ(sample_.weight, 0.25);
  EXPECT_EQ(sample_.shade, Shade::kDark);
  EXPECT_EQ(sample_.precision, Precision::kBfloat16);
  EXPECT_EQ(sample_.device, DeviceName("cuda:1"));
  EXPECT_TRUE(sample_.on);
}

TEST_F(Options, RefuseInTheWordsOfFiles) {
  EXPECT_EQ(problem({"--rows=0"}), "look: --rows: expected 1 to 8 rows, got 0");
  EXPECT_EQ(problem({"--rows=1.5"}), "look: --rows: expected a whole number, got 1.5");
  EXPECT_EQ(problem({"--ratio=1"}), "look: --ratio: expected 0 to below 1, got 1");
  EXPECT_EQ(problem({"--ratio=half"}), "look: --ratio: expected a number, got half");
  EXPECT_EQ(problem({"--weight=0"}), "look: --weight: expected above 0, got 0");
  EXPECT_EQ(problem({"--shade=lighd"}),
            "look: --shade: expected dark or light, got 'lighd' (did you mean light?)");
  EXPECT_EQ(problem({"--precision=fp16"}), "look: --precision: expected bfloat16 or float32, got 'fp16'");
  EXPECT_EQ(problem({"--device=tpu"}), "look: --device: expected cpu, cuda, cuda:N or auto, got 'tpu'");
}

TEST_F(Options, RefuseEmptyTextAsAName) {
  EXPECT_EQ(problem({"--shade", ""}), "look: --shade: expected dark or light, got ''");
  EXPECT_EQ(problem({"--precision", ""}), "look: --precision: expected bfloat16 or float32, got ''");
}

TEST_F(Options, RefuseLeadingZerosThatMeanBaseEight) {
  EXPECT_EQ(problem({"--rows=07"}), "look: --rows: expected a whole number without leading zeros, got 07");
  EXPECT_EQ(problem({"--rows=-010"}),
            "look: --rows: expected a whole number without leading zeros, got -010");
}

TEST_F(Options, HelpAndCompletionListChoicesRangeAndDefault) {
  const auto help = app_.help();
  EXPECT_THAT(help, AllOf(HasSubstr("Look:"), HasSubstr("--rows N=1 "), HasSubstr("rows; 1 to 8 rows"),
                          HasSubstr("share; 0 to below 1"), HasSubstr("weight; above 0")));
  EXPECT_THAT(help, AllOf(HasSubstr("NAME:{bfloat16,float32}=float32"), HasSubstr("NAME:{dark,light}")));
  EXPECT_THAT(help, AllOf(HasSubstr("device; cpu, cuda, cuda:N or auto"), HasSubstr("--device NAME=auto")));
  const auto completion = completion_script(app_, Shell::kBash);
  EXPECT_THAT(completion, HasSubstr("--precision) COMPREPLY=($(compgen -W \"bfloat16 float32\""));
  EXPECT_THAT(completion, Not(HasSubstr("--device) ")));
}

}  // namespace
}  // namespace ccexpert::tools
