#include <cmath>

#include <gtest/gtest.h>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/fields.h>
#include <ccexpert/core/precision.h>

#include "core/json.h"
#include "core/yaml.h"
#include "support/errors.h"

namespace ccexpert {
namespace {

using test::error_of;

enum class Shade { kUnset, kDark, kLight };
constexpr auto names_of(Shade) {
  return std::to_array<Name<Shade>>(
      {{Shade::kUnset, ""}, {Shade::kDark, "dark", "d"}, {Shade::kLight, "light"}});
}

struct Sample {
  int64_t rows = 1;
  double ratio = 0.5;
  Shade shade = Shade::kUnset;
  Precision precision = Precision::kFloat32;
  DeviceName device = {};
  static constexpr auto fields() {
    return std::tuple{
        field("rows", &Sample::rows, "rows (1: one)", in_range(1, 8, "rows")),
        field("ratio", &Sample::ratio, "share (0: none)", in_range(0, open(1))),
        field("shade", &Sample::shade, "shade"),
        field("precision", &Sample::precision, "precision", among(Precision::kBfloat16, Precision::kFloat32)),
        field("device", &Sample::device, "device")};
  }
};

struct Pages {
  std::vector<Sample> list{{}};
  std::optional<double> weight;
  static constexpr auto fields() {
    return std::tuple{field("list", &Pages::list, "pages"),
                      field("weight", &Pages::weight, "weight", above(0))};
  }
};

/// Returns the error of a key's value in a file.
std::string error_in_yaml(const std::string& key, const std::string& value) {
  return error_of([&] {
    Sample sample;
    read_yaml(parse_yaml(key + ": " + value, "x").root, sample, "x");
  });
}
std::string error_in_json(const std::string& key, const std::string& value) {
  return error_of([&] {
    Sample sample;
    read_fields(parse_json("{\"" + key + "\": " + value + "}", "x"), sample, "x");
  });
}

TEST(Fields, NamesAreInTheOrderOfTheList) {
  EXPECT_EQ(field_names<Sample>(),
            (std::vector<std::string>{"rows", "ratio", "shade", "precision", "device"}));
}

TEST(Fields, VisitorReachesTheMembers) {
  Sample sample;
  for_each_field<Sample>([&](const auto& each) {
    if constexpr (std::is_arithmetic_v<std::remove_reference_t<decltype(sample.*each.member)>>)
      sample.*each.member *= 4;
  });
  EXPECT_EQ(sample.rows, 4);
  EXPECT_DOUBLE_EQ(sample.ratio, 2.0);
}

TEST(Fields, AWrongValueHasTheSameWordsInEveryFile) {
  const std::array<std::array<const char*, 4>, 6> cases{
      {{"rows", "0", "0", "expected 1 to 8 rows, got 0"},
       {"ratio", "1", "1", "expected 0 to below 1, got 1"},
       {"shade", "lighd", "\"lighd\"", "expected dark or light, got 'lighd' (did you mean light?)"},
       {"precision", "fp16", "\"fp16\"", "expected bfloat16 or float32, got 'fp16'"},
       {"precision", "auto", "\"auto\"", "expected bfloat16 or float32, got 'auto'"},
       {"device", "tpu", "\"tpu\"", "expected cpu, cuda, cuda:N or auto, got 'tpu'"}}};
  for (const auto& [key, in_yaml, in_json, problem] : cases) {
    EXPECT_EQ(error_in_yaml(key, in_yaml), std::string("x:1: ") + key + ": " + problem);
    EXPECT_EQ(error_in_json(key, in_json), std::string("x: ") + key + ": " + problem);
  }
  EXPECT_EQ(error_in_yaml("shade", "[dark]"), "x:1: shade: expected a string, got a list");
  EXPECT_EQ(error_in_json("shade", "1"), "x: shade: expected a string, got 1");
}

TEST(Fields, NamesAndAliasesAreReadAndNamesAreWritten) {
  Sample sample;
  read_yaml(parse_yaml("{shade: d, precision: bf16, device: 'cuda:3', ratio: 0}", "x").root, sample, "x");
  EXPECT_EQ(sample.shade, Shade::kDark);
  EXPECT_EQ(sample.precision, Precision::kBfloat16);
  EXPECT_EQ(sample.device, DeviceName("cuda:3"));
  EXPECT_EQ(to_yaml(sample),
            "rows: 1\nratio: 0\nshade: \"dark\"\nprecision: \"bfloat16\"\ndevice: \"cuda:3\"\n");
  read_yaml(parse_yaml("{shade: ''}", "x").root, sample, "x");
  EXPECT_EQ(sample.shade, Shade::kUnset);
  read_fields(parse_json(R"({"shade": "light", "precision": "fp32", "device": "cuda"})", "x"), sample, "x");
  EXPECT_EQ(sample.shade, Shade::kLight);
  EXPECT_EQ(sample.precision, Precision::kFloat32);
  EXPECT_EQ(sample.device.text(), "cuda");
}

TEST(Fields, HelpListsChoicesAndRange) {
  std::vector<std::string> help;
  for_each_field<Sample>([&](const auto& each) { help.push_back(help_of(each)); });
  EXPECT_EQ(help, (std::vector<std::string>{"rows (1: one); 1 to 8 rows", "share (0: none); 0 to below 1",
                                            "shade; dark or light", "precision; bfloat16 or float32",
                                            "device; cpu, cuda, cuda:N or auto"}));
}

TEST(Fields, CheckReachesListsAndLeavesUnsetValues) {
  const auto error = [](const Pages& pages) {
    return error_of([&] { check_fields(pages, [](const std::string& key) { return "<" + key + ">"; }); });
  };
  EXPECT_EQ(error({}), "no error");
  EXPECT_EQ(error({.list = {{}, {.rows = 9}}, .weight = {}}), "<list[1].rows>: expected 1 to 8 rows, got 9");
  EXPECT_EQ(error({.list = {{.precision = Precision::kAuto}}, .weight = {}}),
            "<list[0].precision>: expected bfloat16 or float32, got 'auto'");
  EXPECT_EQ(error({.list = {}, .weight = 0.0}), "<weight>: expected above 0, got 0");
  EXPECT_EQ(error({.list = {}, .weight = std::nan("")}), "<weight>: expected above 0, got nan");
}

TEST(Limits, EveryKindOfRangeHasItsWordsAndEnds) {
  struct Case {
    Limits limits;
    const char* words;
    double inside, outside;
  };
  const Case cases[] = {{in_range(0, 1), "0 to 1", 1.0, 1.5},
                        {in_range(0, open(1)), "0 to below 1", 0.0, 1.0},
                        {in_range(open(0), 1), "above 0 and at most 1", 1.0, 0.0},
                        {in_range(open(0), open(1)), "above 0 and below 1", 0.5, 1.0},
                        {in_range(-10, 10, "dB"), "-10 to 10 dB", -10.0, -11.0},
                        {at_least(2), "at least 2", 2.0, 1.5},
                        {above(2), "above 2", 2.5, 2.0}};
  for (const auto& [limits, words, inside, outside] : cases) {
    EXPECT_EQ(in_words(limits), words);
    EXPECT_FALSE(refusal_of(limits, inside)) << words;
    EXPECT_EQ(refusal_of(limits, outside).value_or(Refusal{}).expected, words);
    EXPECT_TRUE(refusal_of(limits, std::nan(""))) << words;
  }
  EXPECT_EQ(in_words(Limits{}), "");
  EXPECT_FALSE(refusal_of(Limits{}, std::nan("")));
}

TEST(Limits, AFractionWithoutAMaximumIsAtMostABillion) {
  EXPECT_EQ(refusal_of(above(0), 2e9).value_or(Refusal{}).expected, "at most 1000000000");
  EXPECT_FALSE(refusal_of(above(0), 1e9));
  EXPECT_FALSE(refusal_of(at_least(0), int64_t{1} << 40));
}

TEST(DeviceName, IsWrittenAsItWasRead) {
  for (const char* name : {"auto", "cpu", "cuda", "cuda:0", "cuda:256"})
    EXPECT_EQ(DeviceName(name).text(), name);
  for (const std::string name : {"", "CPU", "cpu:1", "gpu", "cuda:", "cuda:-1", "cuda:1x", " cuda"}) {
    EXPECT_EQ(error_of([&] { DeviceName device(name); }),
              "device: expected cpu, cuda, cuda:N or auto, got '" + name + "'");
  }
  EXPECT_THROW(DeviceName(std::string("cpu\0", 4)), Error);
}

TEST(NearestName, FindsASlipAndRefusesAnotherWord) {
  const std::vector<std::string> names{"learning_rate", "weight_decay", "seed"};
  EXPECT_EQ(nearest_name("learning-rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("sead", names), "seed");
  EXPECT_EQ(nearest_name("optimizer", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000'000, 'x'), names), "");
}

}  // namespace
}  // namespace ccexpert
