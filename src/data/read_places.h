// Reader of what place_fields.h writes.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "data/shared/predictions.h"

namespace ccexpert::data {

/// Returns score, maps and doubt of a line, but for its polygons. Throws Error, starting with `where`, for a
/// value of another type.
PredictedPlaces read_places(const nlohmann::json& line, const std::string& where);

}  // namespace ccexpert::data
