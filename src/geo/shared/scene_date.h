// Dates of scenes, from names and from tags of their files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/geo/map.h>

namespace ccexpert::geo {

/// Returns the first date in a text as 2019-05-01T10:30:00Z: 20190501, 2019-05-01 or 2019_05_01, with a time
/// of day if one follows; else 2019-05; else a year from 1900 to 2099 on its own. Nothing without one.
std::optional<std::string> time_in_text(std::string_view text);

/// Returns the time of a scene: that in the name of its date, else in its file's name, else that of its tags
/// (ACQUISITIONDATETIME, TIFFTAG_DATETIME); empty if none is known. Throws Error if the raster cannot be
/// opened for its tags.
std::string time_of_scene(std::string_view date, const std::string& raster);

/// Throws Error unless a series has two dates or more, each with its own name, in the order of time.
void expect_series(const MapOptions& options);

}  // namespace ccexpert::geo
