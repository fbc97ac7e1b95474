// CSV text (RFC 4180) to rows of fields, and fields to CSV text.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::data {

using CsvRow = std::vector<std::string>;
using VisitRow = std::function<void(CsvRow&& row, size_t number)>;

/// Calls `visit(row, number)` for every row that is not blank; numbers count from 1 on, blank rows too.
/// `source` (a file name) begins the Error of text that is not CSV, which names the row.
void visit_csv(std::string_view text, std::string_view source, const VisitRow& visit);

/// The same of a file, piece by piece. Throws Error where it cannot be read.
void visit_csv_file(const std::filesystem::path& file, const VisitRow& visit);

/// All rows that are not blank.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// Error, beginning with `what`, where a row has more cells than the header has columns: a comma without
/// quotes has cut one of them.
void expect_cells(const CsvRow& row, size_t columns, const std::string& what);

/// One row with its line end; every field that needs quotes gets them.
std::string csv_line(const CsvRow& row);

}  // namespace ccexpert::data
