#include "data/csv.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::data {
namespace {

using ::testing::ElementsAre;

std::vector<CsvRow> visited(const std::string& text) {
  std::istringstream stream(text);
  std::vector<CsvRow> rows;
  visit_csv(stream, "f.csv", [&](CsvRow&& row, size_t number) {
    rows.push_back(std::move(row));
    EXPECT_EQ(number, rows.size());
  });
  return rows;
}

TEST(Csv, VisitsRowByRow) {
  EXPECT_THAT(visited("\xEF\xBB\xBFname,caption\nx,\"a \"\"b\"\", c\nd\"\n\ny,\n"),
              ElementsAre(CsvRow{"name", "caption"}, CsvRow{"x", "a \"b\", c\nd"}, CsvRow{"y", ""}));
  EXPECT_THAT(visited(""), ElementsAre());
}

TEST(Csv, VisitsWhatIsLongerThanAPieceLikeTheWhole) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ",\"a, caption\"\n";
  EXPECT_EQ(visited(text), parse_csv(text, "f.csv"));
}

TEST(Csv, SaysBehindWhichRowTextIsNone) {
  EXPECT_THAT(test::error_of([] { visited("a,b\nc,\"d\" e\n"); }),
              ::testing::StartsWith("f.csv: expected CSV, got "));
  EXPECT_THAT(test::error_of([] { visited("a,b\nc,\"d\n"); }), ::testing::HasSubstr("after row 1"));
}

}  // namespace
}  // namespace ccexpert::data
