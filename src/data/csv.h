// CSV text (RFC 4180) to rows of fields, and fields to CSV text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::data {

using CsvRow = std::vector<std::string>;

/// All rows; `source` (a file name) begins the Error of text that is none. Blank lines are skipped.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// One row with its line end; every field that needs quotes gets them.
std::string csv_line(const CsvRow& row);

}  // namespace ccexpert::data
