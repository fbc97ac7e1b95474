/// Reader and writer of CSV text (RFC 4180).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::data {

using CsvRow = std::vector<std::string>;
using VisitRow = std::function<void(CsvRow&& row, size_t number)>;

/// Calls `visit(row, number)` for every row that is not blank; numbers start at 1 and count blank rows.
/// Throws Error with `source` (a file name) and the row for text that is not CSV.
void visit_csv(std::string_view text, std::string_view source, const VisitRow& visit);

/// Reads a file in pieces and visits its rows as above. Throws Error if it cannot be read.
void visit_csv_file(const std::filesystem::path& file, const VisitRow& visit);

/// Returns all rows that are not blank.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// Throws Error, starting with `what`, if a row has more cells than the header has columns: an unquoted comma
/// has split a cell.
void expect_cells(const CsvRow& row, size_t columns, const std::string& what);

/// Returns one row with its line end; quotes fields that need it.
std::string csv_line(const CsvRow& row);

}  // namespace ccexpert::data
