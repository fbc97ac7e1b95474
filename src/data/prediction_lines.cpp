#include "data/prediction_lines.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json.h"
#include "data/csv.h"
#include "text/unicode.h"

namespace ccexpert::data {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const CsvRow& columns() {
  static const CsvRow names{"uid", "before", "after", "caption", "token_ids", "logprob", "finish", "error"};
  return names;
}

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

/// A file name need not be UTF-8; JSON must. Different names stay different.
std::string as_utf8(const std::string& text) {
  if (text::repair_utf8(text) == text) return text;
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    escaped += byte < 0x80 ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return escaped;
}

std::string json_line(const Prediction& prediction) {
  ordered_json line{{"uid", as_utf8(prediction.pair.uid)},
                    {"before", as_utf8(prediction.pair.before.string())},
                    {"after", as_utf8(prediction.pair.after.string())}};
  if (prediction.error.empty()) {
    line["caption"] = prediction.caption;
    line["token_ids"] = prediction.token_ids;
    line["logprob"] = prediction.logprob;
    line["finish"] = prediction.finish;
  } else {
    line["error"] = as_utf8(prediction.error);
  }
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

std::string csv_prediction(const Prediction& prediction) {
  const bool failed = !prediction.error.empty();
  return csv_line({on_one_line(prediction.pair.uid), on_one_line(prediction.pair.before.string()),
                   on_one_line(prediction.pair.after.string()), on_one_line(prediction.caption),
                   fmt::format("{}", fmt::join(prediction.token_ids, " ")),
                   failed ? "" : fmt::format("{}", prediction.logprob), prediction.finish,
                   on_one_line(prediction.error)});
}

KnownLine known_json(std::string_view line, const std::string& where) {
  const json object = parse_json(line, where);
  if (!object.is_object()) fail({where, "an object with uid", object.type_name()});
  const auto uid = json_value(object, "uid", std::string(), where);
  if (uid.empty()) fail({where + ": uid", "a string", "none"});
  if (!object.contains("caption") && !object.contains("error"))
    fail({where, "an object with caption, or error", "neither", "is it a list of pairs?"});
  return {uid, {}, object.contains("error")};
}

KnownLine known_csv(std::string_view line, const std::string& where) {
  const auto rows = parse_csv(line, where);
  if (rows.size() != 1 || rows.front().size() != columns().size()) {
    fail({where, fmt::format("{} columns", columns().size()),
          fmt::format("{}", rows.empty() ? 0 : rows.front().size())});
  }
  return {rows.front().front(), {}, !rows.front().back().empty()};
}

}  // namespace

std::string written_uid(const std::string& uid, PredictionFormat format) {
  return format == PredictionFormat::kJsonLines ? as_utf8(uid) : on_one_line(uid);
}

std::string header_line(PredictionFormat format) {
  return format == PredictionFormat::kCsv ? csv_line(columns()) : std::string();
}

std::string prediction_line(const Prediction& prediction, PredictionFormat format) {
  switch (format) {
    case PredictionFormat::kJsonLines:
      return json_line(prediction);
    case PredictionFormat::kCsv:
      return csv_prediction(prediction);
    case PredictionFormat::kText:
      break;
  }
  const auto text = prediction.error.empty() ? prediction.caption : "error: " + prediction.error;
  return on_one_line(prediction.pair.uid) + '\t' + on_one_line(text) + '\n';
}

std::vector<KnownLine> parse_lines(std::string_view text, PredictionFormat format,
                                   const std::string& source) {
  const std::string header = header_line(format);
  // A run that was killed in its first write may have left less than the header.
  if (header.starts_with(text)) return {};
  if (!text.starts_with(header)) {
    fail({source, "the columns " + header.substr(0, header.size() - 1), text.substr(0, text.find('\n')),
          "is it another file, or of another --format?"});
  }
  std::vector<KnownLine> lines;
  size_t number = header.empty() ? 1 : 2;
  for (text.remove_prefix(header.size()); !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    const auto line = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    const auto where = fmt::format("{}: line {}", source, number);
    auto known = format == PredictionFormat::kCsv ? known_csv(line, where) : known_json(line, where);
    known.line = line;
    lines.push_back(std::move(known));
  }
  return lines;
}

}  // namespace ccexpert::data
