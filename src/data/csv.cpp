#include "data/csv.h"

#include <csv.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"

namespace ccexpert::data {
namespace {

struct Rows {
  std::vector<CsvRow> done;
  CsvRow current;
};

void take_field(void* text, size_t bytes, void* rows) {
  // libcsv gives a null pointer for an empty field without quotes.
  const auto* field = text != nullptr ? static_cast<const char*>(text) : "";
  static_cast<Rows*>(rows)->current.emplace_back(field, bytes);
}

void take_row(int /*terminator*/, void* rows) {
  auto& all = *static_cast<Rows*>(rows);
  all.done.push_back(std::move(all.current));
  all.current.clear();
}

class Parser {
 public:
  Parser() {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
      fail("CSV", "parser cannot start");
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool parse(std::string_view text, Rows& rows) { return parse_part(text, rows) && finish(rows); }
  bool parse_part(std::string_view text, Rows& rows) {
    return csv_parse(&parser_, text.data(), text.size(), take_field, take_row, &rows) == text.size();
  }
  bool finish(Rows& rows) { return csv_fini(&parser_, take_field, take_row, &rows) == 0; }
  const char* problem() { return csv_strerror(csv_error(&parser_)); }

 private:
  csv_parser parser_{};
};

bool needs_quotes(std::string_view field) {
  return field.find_first_of(",\"\r\n") != std::string_view::npos ||
         field != field.substr(0, field.find_last_not_of(' ') + 1) ||
         (!field.empty() && field.front() == ' ');
}

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source) {
  Parser parser;
  Rows rows;
  if (!parser.parse(without_byte_order_mark(text), rows)) {
    fail({source, "CSV", std::string(parser.problem()) + " after row " + std::to_string(rows.done.size())});
  }
  return std::move(rows.done);
}

void visit_csv(std::istream& stream, std::string_view source,
               const std::function<void(CsvRow&& row, size_t number)>& visit) {
  Parser parser;
  Rows rows;
  size_t number = 0;
  const auto expect = [&](bool parsed) {
    if (!parsed)
      fail({source, "CSV", std::string(parser.problem()) + " after row " + std::to_string(number)});
    for (auto& row : rows.done) visit(std::move(row), ++number);
    rows.done.clear();
  };
  std::string piece(size_t{1} << 16, '\0');
  for (bool first = true; stream; first = false) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    std::string_view text(piece.data(), static_cast<size_t>(stream.gcount()));
    if (first) text = without_byte_order_mark(text);
    expect(parser.parse_part(text, rows));
  }
  expect(parser.finish(rows));
}

std::string csv_line(const CsvRow& row) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += ',';
    if (!needs_quotes(row[i])) {
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
