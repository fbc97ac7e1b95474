#include "data/shared/csv.h"

#include <algorithm>
#include <utility>

#include <csv.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/foreign_errors.h"
#include "core/text_file.h"

namespace ccexpert::data {
namespace {

/// Bytes given to the parser at once; their rows are stored before they are visited.
constexpr size_t kPieceBytes = size_t{1} << 16;

/// Collects fields into rows and counts rows as they appear in the file.
class Rows {
 public:
  void take_field(const char* text, size_t bytes) {
    current_.emplace_back(text, bytes);
    terminator_ = 0;
  }

  void take_row(int terminator) {
    // A line feed after a carriage return ends the same row.
    const bool pair = current_.empty() && terminator == '\n' && terminator_ == '\r';
    terminator_ = terminator;
    if (pair) return;
    ++number_;
    if (current_.empty()) return;  // a blank line
    done_.emplace_back(std::move(current_), number_);
    current_.clear();
  }

  /// Visits the complete rows.
  void visit(const VisitRow& visit) {
    for (auto& [row, number] : done_) visit(std::move(row), number);
    done_.clear();
  }

  size_t number() const { return number_; }

 private:
  std::vector<std::pair<CsvRow, size_t>> done_;
  CsvRow current_;
  size_t number_ = 0;
  int terminator_ = 0;
};

void take_field(void* text, size_t bytes, void* rows) {
  // libcsv passes a null pointer for an empty field without quotes.
  static_cast<Rows*>(rows)->take_field(text != nullptr ? static_cast<const char*>(text) : "", bytes);
}

void take_row(int terminator, void* rows) {
  static_cast<Rows*>(rows)->take_row(terminator);
}

class Parser {
 public:
  Parser() {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL | CSV_REPALL_NL) != 0)
      fail("CSV", "parser cannot start");
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool parse(std::string_view piece, Rows& rows) {
    return csv_parse(&parser_, piece.data(), piece.size(), take_field, take_row, &rows) == piece.size();
  }
  bool finish(Rows& rows) { return csv_fini(&parser_, take_field, take_row, &rows) == 0; }
  bool is_out_of_memory() { return csv_error(&parser_) != CSV_EPARSE; }

 private:
  csv_parser parser_{};
};

/// Reader of rows from text that arrives in pieces.
class Reader {
 public:
  Reader(std::string_view source, const VisitRow& visit) : source_(source), visit_(visit) {}

  void take(std::string_view piece) {
    give(parser_.parse(piece, rows_), "quotes only around a whole cell, and doubled within it",
         "other quotes");
  }
  void finish() { give(parser_.finish(rows_), "a closing quote", "the end of the file"); }

 private:
  /// Visits rows outside libcsv: an exception of `visit_` must not unwind through its C code.
  void give(bool parsed, std::string_view expected, std::string_view got) {
    rows_.visit(visit_);
    if (parsed) return;
    const auto place = fmt::format("{}: row {}", source_, rows_.number() + 1);
    if (parser_.is_out_of_memory()) fail(place, "not enough memory");
    fail_expected({place, expected, got});
  }

  std::string_view source_;
  const VisitRow& visit_;
  Parser parser_;
  Rows rows_;
};

/// True if the reader would take an unquoted field for something else: it splits at these characters, strips
/// blanks and tabs, and skips a byte order mark.
bool needs_quotes(std::string_view field) {
  constexpr std::string_view kStripped = " \t";
  return field.find_first_of(",\"\r\n") != std::string_view::npos || field.starts_with("\xef\xbb\xbf") ||
         field.find_first_not_of(kStripped) != 0 || field.find_last_not_of(kStripped) + 1 != field.size();
}

}  // namespace

void visit_csv(std::string_view text, std::string_view source, const VisitRow& visit) try {
  Reader reader(source, visit);
  text = without_byte_order_mark(text);
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kPieceBytes)))
    reader.take(text.substr(0, kPieceBytes));
  reader.finish();
} catch (...) {
  rethrow_as_error();
}

void visit_csv_file(const std::filesystem::path& file, const VisitRow& visit) try {
  TextStream text(file);
  const auto source = file.string();
  Reader reader(source, visit);
  std::string piece(kPieceBytes, '\0');
  while (text) {
    text.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    reader.take(std::string_view(piece).substr(0, static_cast<size_t>(text.gcount())));
  }
  reader.finish();
} catch (...) {
  rethrow_as_error();
}

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source) {
  std::vector<CsvRow> rows;
  visit_csv(text, source, [&](CsvRow&& row, size_t /*number*/) { rows.push_back(std::move(row)); });
  return rows;
}

void expect_cells(const CsvRow& row, size_t columns, const std::string& what) {
  if (row.size() <= columns) return;
  fail_expected({what, fmt::format("at most {}, as the header has", columns), std::to_string(row.size()),
                 "a cell with a comma needs quotes around it"});
}

std::string csv_line(const CsvRow& row) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += ',';
    // A row of one empty field would be a blank line.
    if (row[i].empty() ? row.size() > 1 : !needs_quotes(row[i])) {
      line += row[i];
      continue;
    }
    std::string quoted(2 * row[i].size() + 2, '\0');
    quoted.resize(csv_write(quoted.data(), quoted.size(), row[i].data(), row[i].size()));
    line += quoted;
  }
  return line + '\n';
}

}  // namespace ccexpert::data
