// Rows of a map's layers.
#include "geo/layer_rows.h"

#include <algorithm>
#include <variant>

#include <gtest/gtest.h>

namespace ccexpert::geo {
namespace {

FieldValue value(const Row& row, const std::string& name) {
  return std::ranges::find(row, name, [](const Field& field) { return field.kind.name; })->value;
}

TEST(TileRow, CountsNoPixelsOfATileThatCouldNotBeRead) {
  TileResult tile;
  tile.error = "cannot be read";
  for (const char* name : {"valid", "masked"})
    EXPECT_TRUE(std::holds_alternative<std::monostate>(value(tile_row(tile), name))) << name;
  tile.valid = 0.75;
  tile.masked = 0.25;
  EXPECT_EQ(value(tile_row(tile), "valid"), FieldValue(0.75));
  EXPECT_EQ(value(tile_row(tile), "masked"), FieldValue(0.25));
  TileResult clouded;
  clouded.skipped = true;
  EXPECT_EQ(value(tile_row(clouded), "valid"), FieldValue(0.0));
}

}  // namespace
}  // namespace ccexpert::geo
