#include "data/shared/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::data {
namespace {

using ::testing::ElementsAre;

std::vector<CsvRow> parsed(const std::string& text) {
  return parse_csv(text, "f.csv");
}

/// Returns the numbers of the visited rows.
std::vector<size_t> numbers(const std::string& text) {
  std::vector<size_t> numbers;
  visit_csv(text, "f.csv", [&](CsvRow&& /*row*/, size_t number) { numbers.push_back(number); });
  return numbers;
}

/// Returns more rows than are parsed at once.
std::string many_rows(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ",\"a, caption\"\n";
  return text;
}

TEST(Csv, ReadsFields) {
  EXPECT_THAT(parsed("\xEF\xBB\xBFname,caption\nx,\"a \"\"b\"\", c\nd\"\n\ny,\n"),
              ElementsAre(CsvRow{"name", "caption"}, CsvRow{"x", "a \"b\", c\nd"}, CsvRow{"y", ""}));
  EXPECT_THAT(parsed(""), ElementsAre());
}

TEST(Csv, NumbersRowsAsAFileShowsThem) {
  EXPECT_THAT(numbers("a,b\n\n  \nc,\"d\ne\"\nf,g"), ElementsAre(1, 4, 5));
  EXPECT_THAT(numbers("a,b\r\n\r\nc,d\r\n"), ElementsAre(1, 3));
  EXPECT_THAT(numbers("a,b\r\rc,d\r"), ElementsAre(1, 3));
  EXPECT_THAT(numbers("\n\na"), ElementsAre(3));
}

TEST(Csv, ReadsRowsThatAreNotParsedAtOnce) {
  const auto rows = parsed(many_rows(20'000));
  ASSERT_EQ(rows.size(), 20'000U);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], (CsvRow{std::to_string(i), "a, caption"}));
}

TEST(Csv, WritesRowsSoThatTheyReadAsTheyWere) {
  const std::vector<CsvRow> rows{{"a", "", " b", "c\t"},
                                 {""},
                                 {"\xef\xbb\xbf"},
                                 {"\xef\xbb\xbf"
                                  "a",
                                  "d\"e"},
                                 {"\t", " "},
                                 {"f,g\r\nh"}};
  for (const auto& row : rows) {
    const auto line = csv_line(row);
    EXPECT_EQ(parse_csv(line, "x.csv"), std::vector<CsvRow>{row}) << line;
  }
}

TEST(Csv, NamesTheRowThatIsNotCsv) {
  EXPECT_EQ(test::error_of([] { parsed("a,b\nc,\"d\n"); }),
            "f.csv: row 2: expected a closing quote, got the end of the file");
  EXPECT_EQ(
      test::error_of([] { parsed(many_rows(9'000) + "c,\"d\" e\n"); }),
      "f.csv: row 9001: expected quotes only around a whole cell, and doubled within it, got other quotes");
}

TEST(Csv, RefusesARowWithMoreCellsThanTheHeader) {
  EXPECT_EQ(
      test::error_of([] {
        expect_cells({"a", "b", "c"}, 2, "f.csv: row 3: cells");
      }),
      "f.csv: row 3: cells: expected at most 2, as the header has, got 3 (a cell with a comma needs quotes "
      "around it)");
  EXPECT_EQ(test::error_of([] { expect_cells({"a"}, 2, "cells"); }), "no error");
}

}  // namespace
}  // namespace ccexpert::data
