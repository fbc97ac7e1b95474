#include "geo/layer_values.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/foreign_errors.h"
#include "core/rounded.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

/// Pieces of each side of a tile, for its area.
constexpr int64_t kPieces = 8;

}  // namespace

fs::path beside(const fs::path& output, const char* ending) {
  return fs::path(output).replace_extension(ending);
}

std::vector<FoundResult> in_order(std::span<const JournalReader> journals) {
  std::vector<FoundResult> all;
  for (const auto& journal : journals) {
    for (const auto& line : journal.lines()) all.push_back({&journal, line});
  }
  std::ranges::sort(all, {}, [](const FoundResult& found) { return found.line.tile; });
  return all;
}

FieldValue decimals_or_none(const std::optional<double>& value) {
  return value ? FieldValue(rounded(*value, 1e6)) : FieldValue();
}

Ring frame_of(const VectorFiles& files, const Window& window) try {
  auto ring = ring_of(window);
  if (files.has_degrees()) files.ground().to_degrees(ring);
  return ring;
} catch (const Fault&) {
  throw;
} catch (const Error&) {
  return {};
}

std::optional<double> area_of(const VectorFiles& files, const Polygon& polygon) try {
  return rounded(files.ground().area(polygon), 1e2);
} catch (const Fault&) {
  throw;
} catch (const Error&) {
  return std::nullopt;
}

std::optional<double> tile_area(const VectorFiles& files, const Window& window) {
  return area_of(files, {ring_of(window, kPieces)});
}

std::string text_of_json(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ccexpert::geo
