#include "data/prediction_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json.h"
#include "core/one_line.h"
#include "data/read_places.h"
#include "data/shared/csv.h"
#include "data/shared/place_fields.h"
#include "text/shared/unicode.h"

namespace ccexpert::data {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const CsvRow& columns() {
  static const CsvRow names{"uid",     "before", "after", "caption", "token_ids",
                            "logprob", "finish", "run",   "error",   "warning"};
  return names;
}

size_t column(std::string_view name) {
  return static_cast<size_t>(std::find(columns().begin(), columns().end(), name) - columns().begin());
}

/// Columns of the files of this version and of earlier ones, which lacked the warning, and before that the
/// run.
std::array<CsvRow, 3> known_columns() {
  auto without_warning = columns();
  without_warning.pop_back();
  auto without_run = without_warning;
  without_run.erase(without_run.begin() + static_cast<std::ptrdiff_t>(column("run")));
  return {columns(), without_warning, without_run};
}

/// Escapes invalid bytes: JSON must be UTF-8, but a file name need not be. Different names stay different.
std::string as_utf8(const std::string& text) {
  if (text::repair_utf8(text) == text) return text;
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    escaped += byte < 0x80 ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return escaped;
}

void add_series(ordered_json& line, const SeriesPart& series) {
  line["place"] = as_utf8(series.place);
  line["from"] = as_utf8(series.from);
  line["to"] = as_utf8(series.to);
  line["kind"] = name_of(series.kind);
  if (series.changed) line["changed"] = *series.changed;
  if (series.transient) line["transient"] = *series.transient;
}

std::string json_line(const Prediction& prediction, const std::string& run) {
  ordered_json line{{"uid", as_utf8(prediction.pair.uid)},
                    {"before", as_utf8(prediction.pair.before.string())},
                    {"after", as_utf8(prediction.pair.after.string())}};
  if (prediction.series) add_series(line, *prediction.series);
  if (prediction.error.empty()) {
    line["caption"] = prediction.caption;
    line["token_ids"] = prediction.token_ids;
    line["logprob"] = prediction.logprob;
    line["finish"] = prediction.finish;
    add_places(line, prediction.places);
    if (!run.empty()) line["run"] = run;
    if (!prediction.warning.empty()) line["warning"] = as_utf8(prediction.warning);
  } else {
    line["error"] = as_utf8(prediction.error);
  }
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

std::string csv_prediction(const Prediction& prediction, const std::string& run) {
  const bool failed = !prediction.error.empty();
  return csv_line({on_one_line(prediction.pair.uid), on_one_line(prediction.pair.before.string()),
                   on_one_line(prediction.pair.after.string()), on_one_line(prediction.caption),
                   fmt::format("{}", fmt::join(prediction.token_ids, " ")),
                   failed ? "" : fmt::format("{}", prediction.logprob), prediction.finish, failed ? "" : run,
                   on_one_line(prediction.error), on_one_line(prediction.warning)});
}

KnownLine known_json(std::string_view line, const std::string& where) {
  const json object = parse_json(line, where);
  if (!object.is_object()) fail_expected({where, "an object with uid", object.type_name()});
  const auto uid = json_value(object, "uid", std::string(), where);
  if (uid.empty()) fail_expected({where + ": uid", "a string", "none"});
  if (!object.contains("caption") && !object.contains("error"))
    fail_expected({where, "an object with caption, or error", "neither", "is it a list of pairs?"});
  return {uid, std::string(line), json_value(object, "run", std::string(), where), object.contains("error")};
}

KnownLine known_csv(std::string_view line, const std::string& where, const CsvRow& names) {
  const auto rows = parse_csv(line, where);
  if (rows.size() != 1 || rows.front().size() != names.size())
    fail_expected({where, fmt::format("{} columns", names.size()),
                   fmt::format("{}", rows.empty() ? 0 : rows.front().size())});
  if (names == columns())
    return {rows.front().front(), std::string(line), rows.front()[column("run")],
            !rows.front()[column("error")].empty()};
  CsvRow row(columns().size());
  for (size_t i = 0; i < names.size(); ++i) row[column(names[i])] = rows.front()[i];
  return {row.front(), csv_line(row), row[column("run")], !row[column("error")].empty()};
}

/// Parses a whole cell. Throws Error, starting with `what`, for another text.
template <class Number>
Number number_of(const std::string& cell, const std::string& what) {
  Number number = 0;
  const auto* end = cell.data() + cell.size();
  const auto [stop, problem] = std::from_chars(cell.data(), end, number);
  if (problem != std::errc() || stop != end) fail_expected({what, "a number", fmt::format("'{:.40}'", cell)});
  return number;
}

std::vector<int64_t> token_ids_of(const std::string& cell, const std::string& where) {
  std::vector<int64_t> ids;
  for (std::string_view rest = cell; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    ids.push_back(number_of<int64_t>(std::string(rest.substr(0, end)), where + ": token_ids"));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return ids;
}

Prediction csv_caption(const CsvRow& row, const std::string& where) {
  const auto cell = [&](std::string_view name) { return row[column(name)]; };
  return {.pair = {.uid = row.front(), .before = {}, .after = {}},
          .caption = cell("caption"),
          .token_ids = token_ids_of(cell("token_ids"), where),
          .logprob = number_of<double>(cell("logprob"), where + ": logprob"),
          .finish = cell("finish"),
          .error = {},
          .warning = cell("warning")};
}

std::optional<bool> flag(const json& object, const char* key, const std::string& where) {
  if (!object.contains(key)) return std::nullopt;
  return json_value(object, key, false, where);
}

std::optional<SeriesPart> series_of(const json& object, const std::string& where) {
  if (!object.contains("kind")) return std::nullopt;
  const auto text = [&](const char* key) { return json_value(object, key, std::string(), where); };
  return SeriesPart{.place = text("place"),
                    .from = text("from"),
                    .to = text("to"),
                    .kind = json_value(object, "kind", SeriesKind::kStep, where),
                    .changed = flag(object, "changed", where),
                    .transient = flag(object, "transient", where)};
}

Prediction json_caption(const json& object, const std::string& where) {
  const auto text = [&](const char* key) { return json_value(object, key, std::string(), where); };
  const auto ids = object.value("token_ids", json::array());
  if (!std::all_of(ids.begin(), ids.end(), [](const json& id) { return id.is_number_integer(); }))
    fail_expected({where + ": token_ids", "integers", "others"});
  return {.pair = {.uid = text("uid"), .before = {}, .after = {}},
          .caption = text("caption"),
          .token_ids = ids.get<std::vector<int64_t>>(),
          .logprob = json_value(object, "logprob", 0.0, where),
          .finish = text("finish"),
          .error = {},
          .warning = text("warning"),
          .series = series_of(object, where),
          .places = read_places(object, where)};
}

/// Returns the columns of a CSV file; nothing if a killed run left only a part of the header.
std::optional<CsvRow> columns_of(std::string_view text, const std::string& source) {
  for (const auto& names : known_columns()) {
    const auto header = csv_line(names);
    if (header.starts_with(text)) return std::nullopt;
    if (text.starts_with(header)) return names;
  }
  fail_expected({source, fmt::format("the columns {}", fmt::join(columns(), ",")),
                 text.substr(0, text.find('\n')), "is it another file, or of another --format?"});
}

}  // namespace

std::string written_uid(const std::string& uid, PredictionFormat format) {
  return format == PredictionFormat::kJsonLines ? as_utf8(uid) : on_one_line(uid);
}

std::string header_line(PredictionFormat format) {
  return format == PredictionFormat::kCsv ? csv_line(columns()) : std::string();
}

std::string prediction_line(const Prediction& prediction, PredictionFormat format, const std::string& run) {
  switch (format) {
    case PredictionFormat::kJsonLines:
      return json_line(prediction, run);
    case PredictionFormat::kCsv:
      return csv_prediction(prediction, run);
    case PredictionFormat::kText:
      break;
  }
  const auto text = prediction.error.empty() ? prediction.caption : "error: " + prediction.error;
  return on_one_line(prediction.pair.uid) + '\t' + on_one_line(text) + '\n';
}

std::vector<KnownLine> parse_lines(std::string_view text, PredictionFormat format,
                                   const std::string& source) {
  const bool is_csv = format == PredictionFormat::kCsv;
  const auto names = is_csv ? columns_of(text, source) : CsvRow{};
  if (!names) return {};
  const std::string header = is_csv ? csv_line(*names) : std::string();
  std::vector<KnownLine> lines;
  size_t number = header.empty() ? 1 : 2;
  for (text.remove_prefix(header.size()); !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    const auto line = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    const auto where = fmt::format("{}: line {}", source, number);
    lines.push_back(is_csv ? known_csv(line, where, *names) : known_json(line, where));
  }
  return lines;
}

Prediction parse_caption(const KnownLine& line, PredictionFormat format, const std::string& source) {
  const auto where = fmt::format("{}: caption of {}", source, line.uid);
  return format == PredictionFormat::kCsv ? csv_caption(parse_csv(line.line, where).front(), where)
                                          : json_caption(parse_json(line.line, where), where);
}

}  // namespace ccexpert::data
