#include "eval/change_row.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert::eval {
namespace {

/// Largest side of a grid; vision transformers have up to 64 patches.
constexpr int64_t kMostPatches = 1024;

void read_map(const nlohmann::json& map, const std::string& where, ChangeRow& row) {
  if (!map.is_object()) fail_expected({where, "an object with grid and values", json_shown(map)});
  row.grid = json_value(map, "grid", int64_t{0}, where, in_range(1, kMostPatches));
  row.covered = json_value(map, "covered", 1.0, where, in_range(open(0), 1));
  row.padded = json_value(map, "padded", false, where);
  const auto values = map.find("values");
  if (values == map.end() || !values->is_array() ||
      static_cast<int64_t>(values->size()) != row.grid * row.grid)
    fail_expected({where + ": values", fmt::format("a list of {0} x {0} numbers", row.grid),
                   values == map.end() ? "none" : json_shown(*values)});
  for (const auto& value : *values) {
    if (!value.is_number()) fail_expected({where + ": values", "numbers", json_shown(value)});
    row.values.push_back(value.get<float>());
  }
}

}  // namespace

std::optional<ChangeRow> change_row(const JsonEntry& entry) {
  const auto& object = entry.object;
  const auto score = object.find("change_score");
  if (score == object.end() || score->is_null()) return std::nullopt;
  ChangeRow row{.score = json_value(object, "change_score", 0.0, entry.where, in_range(0, 1))};
  row.raw = json_value(object, "change_raw", row.score, entry.where, in_range(0, 1));
  const auto map = object.find("change_map");
  if (map != object.end() && !map->is_null()) read_map(*map, entry.where + ": change_map", row);
  return row;
}

}  // namespace ccexpert::eval
