// Values of layers, and the order of their features.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "geo/journal.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {

/// Returns the name of a file beside the output, which has another ending.
std::filesystem::path beside(const std::filesystem::path& output, const char* ending);

/// Result of a tile in one of several journals.
struct FoundResult {
  const JournalReader* journal = nullptr;
  JournalReader::Line line;

  TileResult read() const { return journal->read(line); }
};

/// Returns the results of all journals in the order of the tiles.
std::vector<FoundResult> in_order(std::span<const JournalReader> journals);

inline FieldValue text_or_none(const std::string& text) {
  return text.empty() ? FieldValue() : FieldValue(text);
}

template <class Value>
FieldValue value_or_none(const std::optional<Value>& value) {
  return value ? FieldValue(*value) : FieldValue();
}

/// Returns a number with six decimals at most.
FieldValue decimals_or_none(const std::optional<double>& value);

/// Returns the ring around a tile in pixels; nothing if the files cannot have it.
Ring frame_of(const VectorFiles& files, const Window& window);

/// Returns the area in m²; nothing outside of the domain of the coordinate system.
std::optional<double> area_of(const VectorFiles& files, const Polygon& polygon);
std::optional<double> tile_area(const VectorFiles& files, const Window& window);

/// Returns the text of a file with JSON.
std::string text_of_json(const nlohmann::ordered_json& json);

}  // namespace ccexpert::geo
