// Rows of the layers of a map: each field beside its value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "geo/journal.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {

struct Field {
  FieldKind kind;
  FieldValue value;
};

using Row = std::vector<Field>;

/// Returns the row of a tile with its area in m². That of no tile has the fields of the layer.
Row tile_row(const TileResult& tile = {}, std::optional<double> area = {});

/// What a map tells of changed ground.
struct ChangeText {
  int64_t tile = 0;   ///< whose caption tells of it
  int64_t tiles = 0;  ///< number of tiles that it lies in
  std::string caption;
  double score = 0.0;
  std::optional<double> area;  ///< in m²
};

/// Returns the row of changed ground. That of none has the fields of the layer.
Row change_row(const ChangeText& change = {});

/// Dates of a pair of a series, and if its change comes and goes in one date.
struct PairText {
  std::string from, to, begin, end;
  std::optional<bool> transient;
};

/// Adds to a row of a tile or of changed ground what a series knows of its pair of dates.
Row with_pair(const Row& row, const PairText& pair = {});

std::vector<FieldKind> kinds_of(const Row& row);
std::vector<FieldValue> values_of(const Row& row);

}  // namespace ccexpert::geo
