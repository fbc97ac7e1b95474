// Files about the place of each pair's change: overlays and maps.
#pragma once

#include <span>

#include <ccexpert/captioner.h>
#include <ccexpert/data/pairs.h>

#include "caption/caption_options.h"

namespace ccexpert::tools {

/// Returns a file name for a uid: bytes other than letters, digits and "._-" of ASCII and those of UTF-8
/// characters become %XX. A very long name is cut and ends with a hash. `extension` is added unless the uid
/// has it.
std::string place_file_name(const std::string& uid, const std::string& extension);

/// Makes the folders of --overlay and --maps. Throws Error if two of the pairs would have one file.
void prepare_place_files(const PlaceOptions& options, std::span<const data::PairFiles> pairs);

/// Later image of a pair, and the name of its files.
struct PlacedImage {
  std::string name;
  image::ImageView pixels;
};

/// Writes the files that the options ask for: the later image under its map, and the map's values. A caption
/// without a map, which a stop cut, has none.
void write_place_files(const PlaceOptions& options, const PlacedImage& after, const Caption& caption);

/// Returns what a prediction line says of places.
data::PredictedPlaces places_of(const PlaceOptions& options, const Caption& caption,
                                const image::ImageView& after);

}  // namespace ccexpert::tools
