// Fields of a prediction line that say where the change is.
#pragma once

#include <nlohmann/json.hpp>

#include "data/shared/predictions.h"

namespace ccexpert::data {

/// Adds the fields of the places that there are; values of maps have 3 digits.
void add_places(nlohmann::ordered_json& line, const PredictedPlaces& places);

}  // namespace ccexpert::data
