#include "geo/journal.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/files.h"
#include "core/json.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json json_of(const image::ChangeMap& map) {
  std::vector<int> values;
  for (const float value : map.values)
    values.push_back(static_cast<int>(std::lround(static_cast<double>(value) * kMapSteps)));
  return {{"grid", map.grid}, {"covered", map.covered}, {"padded", map.padded}, {"values", values}};
}

ordered_json json_of(const std::vector<page::ReportWord>& words) {
  auto json = ordered_json::array();
  for (const auto& word : words) json.push_back({{"word", word.text}, {"map", json_of(word.map)}});
  return json;
}

image::ChangeMap map_of(const nlohmann::json& json, const std::string& source) {
  image::ChangeMap map{.grid = json_value<int64_t>(json, "grid", 0, source, in_range(1, 4096)),
                       .covered = json_value<double>(json, "covered", 1.0, source),
                       .padded = json_value<bool>(json, "padded", false, source)};
  for (const int value : json.at("values").get<std::vector<int>>())
    map.values.push_back(static_cast<float>(value / kMapSteps));
  return map;
}

std::vector<page::ReportWord> words_of(const nlohmann::json& json, const std::string& source) {
  std::vector<page::ReportWord> words;
  for (const auto& word : json)
    words.push_back({json_value<std::string>(word, "word", "", source), map_of(word.at("map"), source)});
  return words;
}

/// Adds what the model found.
void add_findings(ordered_json& json, const TileResult& result) {
  if (result.score) json["score"] = *result.score;
  if (result.unsure) json["unsure"] = *result.unsure;
  if (result.changed) json["changed"] = *result.changed;
  if (result.map.grid > 0) json["map"] = json_of(result.map);
  if (result.quiet) {
    json["quiet"] = true;
  } else {
    json["caption"] = result.caption;
    json["logprob"] = result.logprob;
    if (!result.words.empty()) json["words"] = json_of(result.words);
  }
}

/// Adds the dates of a pair of a series.
void add_dates(ordered_json& json, const SeriesPair& dates) {
  json["from"] = dates.from;
  json["to"] = dates.to;
  json["kind"] = text_of(dates.kind);
  if (dates.transient) json["transient"] = *dates.transient;
}

ordered_json json_of(const TileResult& result) {
  ordered_json json{{"tile", result.tile}, {"valid", result.valid}, {"masked", result.masked}};
  if (result.dates) add_dates(json, *result.dates);
  if (result.shift) json["shift"] = *result.shift;
  if (!result.pictures.empty()) json["pictures"] = result.pictures;
  for (const auto& card : result.cards) json["cards"].push_back({card.width, card.height, card.address});
  for (const auto& pair : result.pairs) json["pairs"].push_back(json_of(pair));
  if (result.skipped) {
    json["skipped"] = true;
  } else if (!result.error.empty()) {
    json["error"] = result.error;
  } else {
    add_findings(json, result);
  }
  return json;
}

std::string line_of(const TileResult& result) {
  // The model may cut a character.
  return json_of(result).dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

SeriesPair dates_of(const nlohmann::json& json, const std::string& source) {
  SeriesPair dates{.from = json_value<int64_t>(json, "from", 0, source, at_least(0)),
                   .to = json_value<int64_t>(json, "to", 0, source, at_least(0)),
                   .kind = json_value<PairKind>(json, "kind", PairKind::kStep, source)};
  if (json.contains("transient")) dates.transient = json_value<bool>(json, "transient", false, source);
  return dates;
}

TileResult result_of(const nlohmann::json& json, const std::string& source) {
  TileResult result;
  result.tile = json_value<int64_t>(json, "tile", -1, source, at_least(0));
  result.valid = json_value<double>(json, "valid", 0.0, source);
  result.masked = json_value<double>(json, "masked", 0.0, source);
  result.skipped = json_value<bool>(json, "skipped", false, source);
  result.quiet = json_value<bool>(json, "quiet", false, source);
  result.caption = json_value<std::string>(json, "caption", "", source);
  result.logprob = json_value<double>(json, "logprob", 0.0, source);
  result.error = json_value<std::string>(json, "error", "", source);
  if (json.contains("shift")) result.shift = json["shift"].get<std::array<double, 2>>();
  if (json.contains("score")) result.score = json_value<double>(json, "score", 0.0, source);
  if (json.contains("unsure")) result.unsure = json_value<bool>(json, "unsure", false, source);
  if (json.contains("changed")) result.changed = json_value<bool>(json, "changed", false, source);
  if (json.contains("map")) result.map = map_of(json["map"], source);
  if (json.contains("words")) result.words = words_of(json["words"], source);
  if (json.contains("pictures")) result.pictures = json["pictures"].get<std::vector<std::string>>();
  if (json.contains("from")) result.dates = dates_of(json, source);
  if (json.contains("cards")) {
    for (const auto& card : json["cards"]) result.cards.push_back({card.at(2), card.at(0), card.at(1)});
  }
  if (json.contains("pairs")) {
    for (const auto& pair : json["pairs"]) result.pairs.push_back(result_of(pair, source));
  }
  return result;
}

}  // namespace

std::optional<bool> tells_change(const TileResult& result) {
  if (result.skipped || !result.error.empty()) return std::nullopt;
  return !result.quiet && result.changed.value_or(true);
}

void count(const TileResult& tile, MapSummary& summary) {
  if (tile.skipped) {
    ++summary.skipped;
  } else if (!tile.error.empty()) {
    ++summary.failed;
  } else {
    ++(tile.quiet ? summary.quiet : summary.captioned);
  }
}

fs::path journal_path(const fs::path& output, const Shard& shard) {
  auto path = output;
  path +=
      shard.count == 1 ? std::string(".journal") : fmt::format(".shard-{}-of-{}", shard.index, shard.count);
  return path;
}

namespace {

/// Throws Error for a journal that exists and is not to be used.
const fs::path& accepted(const fs::path& path, Existing existing) {
  if (existing == Existing::kRefuse && is_there(path)) {
    fail_expected({path.string(), "no journal of an earlier run", "one",
                   "--resume continues that run, --overwrite starts again"});
  }
  return path;
}

}  // namespace

Journal::Journal(const fs::path& path, const Plan& plan, Existing existing)
    : file_(accepted(path, existing)) {
  existing == Existing::kResume && !file_.is_empty() ? resume(plan) : start(plan);
}

void Journal::start(const Plan& plan) {
  file_.cut(0);
  file_.append(to_json(plan).dump() + "\n");
  flush_folder(file_.path().parent_path());
}

void Journal::resume(const Plan& plan) {
  const JournalReader reader(file_.path());
  if (reader.whole() == 0) {
    start(plan);
    return;
  }
  if (reader.plan().identity != plan.identity || reader.plan().shard != plan.shard) {
    fail_expected({file_.path().string(), "a journal of the same inputs, options and model", "one of others",
                   "--overwrite starts again"});
  }
  file_.cut(reader.whole());
  if (reader.plan().merge != plan.merge || reader.plan().heatmap != plan.heatmap ||
      reader.plan().report != plan.report)
    file_.append(to_json(plan).dump() + "\n");
  for (const auto& line : reader.lines()) {
    if (!line.failed) tiles_.push_back(line.tile);
  }
}

bool Journal::has(int64_t tile) const {
  return std::ranges::binary_search(tiles_, tile);
}

void Journal::write(std::span<const TileResult> results) {
  std::string text;
  for (const auto& result : results) text += line_of(result);
  file_.append(text);
}

JournalReader::JournalReader(const fs::path& path) : path_(path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_system(path.string(), "cannot be read", errno);
  std::string line;
  while (std::getline(file, line) && !file.eof()) {
    const auto json = parse_json(line, path.string());
    if (whole_ == 0 || json.contains("format")) {
      plan_ = plan_from_json(json, path.string());
    } else {
      const auto result = result_of(json, path.string());
      lines_.push_back({result.tile, whole_, !result.error.empty()});
    }
    whole_ += static_cast<std::streamoff>(line.size()) + 1;
  }
  keep_last_lines();
}

void JournalReader::keep_last_lines() {
  std::ranges::stable_sort(lines_, {}, &Line::tile);
  const auto same = [](const Line& a, const Line& b) { return a.tile == b.tile; };
  const auto kept = std::unique(lines_.rbegin(), lines_.rend(), same);
  lines_.erase(lines_.begin(), kept.base());
}

TileResult JournalReader::read(const Line& line) const {
  std::ifstream file(path_, std::ios::binary);
  file.seekg(line.start);
  std::string text;
  std::getline(file, text);
  return result_of(parse_json(text, path_.string()), path_.string());
}

}  // namespace ccexpert::geo
