#include <gtest/gtest.h>

#include <ccexpert/core/fields.h>

namespace ccexpert {
namespace {

struct Sample {
  int rows = 1;
  double ratio = 0.5;
  static constexpr auto fields() {
    return std::tuple{field("rows", &Sample::rows, "rows (1: one)"),
                      field("ratio", &Sample::ratio, "share (0: none)")};
  }
};

TEST(Fields, NamesStandInTheOrderOfTheList) {
  EXPECT_EQ(field_names<Sample>(), (std::vector<std::string>{"rows", "ratio"}));
}

TEST(Fields, VisitorReachesTheMembers) {
  Sample sample;
  for_each_field<Sample>([&](const auto& each) { sample.*each.member *= 4; });
  EXPECT_EQ(sample.rows, 4);
  EXPECT_DOUBLE_EQ(sample.ratio, 2.0);
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
