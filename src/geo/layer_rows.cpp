#include "geo/layer_rows.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "geo/layer_values.h"

namespace ccexpert::geo {

namespace {

void add(Row& row, FieldKind kind, FieldValue value) {
  row.push_back({std::move(kind), std::move(value)});
}

void add_text(Row& row, const char* name, const std::string& text) {
  add(row, {name}, text_or_none(text));
}

void add_number(Row& row, const char* name, FieldValue value) {
  add(row, {name, OFTReal}, std::move(value));
}

void add_count(Row& row, const char* name, int64_t count) {
  add(row, {name, OFTInteger64}, count);
}

void add_flag(Row& row, const char* name, std::optional<bool> flag) {
  add(row, {name, OFTInteger, OFSTBoolean}, value_or_none(flag));
}

}  // namespace

Row tile_row(const TileResult& tile, std::optional<double> area) {
  const bool captioned = !tile.quiet && tile.error.empty();
  // The pixels of a tile that could not be read are not counted.
  const bool counted = tile.error.empty() || tile.valid > 0.0;
  Row row;
  add_count(row, "tile", tile.tile);
  add_text(row, "caption", tile.caption);
  add_flag(row, "changed", tile.changed);
  add_number(row, "score", decimals_or_none(tile.score));
  add_number(row, "logprob", captioned ? decimals_or_none(tile.logprob) : FieldValue());
  add_number(row, "area_m2", value_or_none(area));
  add_number(row, "valid", counted ? decimals_or_none(tile.valid) : FieldValue());
  add_number(row, "masked", counted ? decimals_or_none(tile.masked) : FieldValue());
  add_number(row, "shift_x", tile.shift ? FieldValue((*tile.shift)[0]) : FieldValue());
  add_number(row, "shift_y", tile.shift ? FieldValue((*tile.shift)[1]) : FieldValue());
  add_flag(row, "unsure", tile.unsure);
  add_text(row, "error", tile.error);
  return row;
}

Row change_row(const ChangeText& change) {
  Row row;
  add_count(row, "tile", change.tile);
  add_count(row, "tiles", change.tiles);
  add_text(row, "caption", change.caption);
  add_number(row, "score", decimals_or_none(change.score));
  add_number(row, "area_m2", value_or_none(change.area));
  return row;
}

Row with_pair(const Row& row, const PairText& pair) {
  Row all;
  for (const auto& field : row) {
    if (field.kind.name == "score") add_flag(all, "transient", pair.transient);
    all.push_back(field);
    if (field.kind.name != "tile") continue;
    add_text(all, "from", pair.from);
    add_text(all, "to", pair.to);
    add(all, {"begin", OFTDateTime}, text_or_none(pair.begin));
    add(all, {"end", OFTDateTime}, text_or_none(pair.end));
  }
  return all;
}

std::vector<FieldKind> kinds_of(const Row& row) {
  std::vector<FieldKind> kinds;
  std::ranges::transform(row, std::back_inserter(kinds), &Field::kind);
  return kinds;
}

std::vector<FieldValue> values_of(const Row& row) {
  std::vector<FieldValue> values;
  std::ranges::transform(row, std::back_inserter(values), &Field::value);
  return values;
}

}  // namespace ccexpert::geo
