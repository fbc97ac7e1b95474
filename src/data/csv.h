// CSV text (RFC 4180) to rows of fields, and fields to CSV text.
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::data {

using CsvRow = std::vector<std::string>;

/// All rows; `source` (a file name) begins the Error of text that is none. Blank lines are skipped.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// The same, row by row from a stream: `visit(row, number)`, numbers from 1 on.
void visit_csv(std::istream& stream, std::string_view source,
               const std::function<void(CsvRow&& row, size_t number)>& visit);

/// One row with its line end; every field that needs quotes gets them.
std::string csv_line(const CsvRow& row);

}  // namespace ccexpert::data
