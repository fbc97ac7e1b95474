#include "caption/place_files.h"

#include <array>
#include <cctype>
#include <map>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/files.h"
#include "core/npy.h"
#include "core/printable.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kOverlay = ".png";
constexpr const char* kMap = ".npy";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '.' || c == '_' || c == '-';
}

void prepare(const std::filesystem::path& folder, const char* extension, const char* option,
             std::span<const data::PairFiles> pairs) {
  if (folder.empty()) return;
  make_folder(folder);
  std::map<std::string, std::string> owners;
  for (const auto& pair : pairs) {
    const auto name = place_file_name(pair.uid, extension);
    const auto& owner = owners.emplace(name, pair.uid).first->second;
    if (owner != pair.uid)
      fail_expected({option, "uids of different files",
                     fmt::format("{} and {} for {}", printable(owner), printable(pair.uid), name)});
  }
}

}  // namespace

std::string place_file_name(const std::string& uid, const std::string& extension) {
  constexpr size_t kLongest = 200;
  std::string name;
  for (const char c : uid)
    name += is_plain(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  if (name.starts_with('.')) name = "%2E" + name.substr(1);
  if (name.size() > kLongest)
    name = fmt::format("{}-{:016x}", name.substr(0, kLongest), XXH3_64bits(uid.data(), uid.size()));
  return name.ends_with(extension) ? name : name + extension;
}

void prepare_place_files(const PlaceOptions& options, std::span<const data::PairFiles> pairs) {
  prepare(options.overlay, kOverlay, "--overlay", pairs);
  prepare(options.maps, kMap, "--maps", pairs);
}

void write_place_files(const PlaceOptions& options, const PlacedImage& after, const Caption& caption) {
  if (!caption.change) return;
  const auto& map = caption.change->map;
  if (!options.overlay.empty()) {
    const auto drawn = image::overlay(after.pixels, map);
    write_file(options.overlay / place_file_name(after.name, kOverlay), image::encode_png(drawn.view()));
  }
  if (!options.maps.empty()) {
    const std::array<int64_t, 2> shape{map.grid, map.grid};
    write_file(options.maps / place_file_name(after.name, kMap), npy_bytes(map.values, shape));
  }
}

data::PredictedPlaces places_of(const PlaceOptions& options, const Caption& caption,
                                const image::ImageView& after) {
  data::PredictedPlaces places;
  if (options.locate && caption.change)
    places.change = {caption.change->map, caption.change->score, caption.change->raw};
  for (const auto& word : caption.words) places.words.push_back({word.word, word.map});
  if (options.polygons && caption.change) {
    places.polygons = image::change_polygons(
        caption.change->map, after.height, after.width,
        {.threshold = options.change_threshold.value_or(0.5), .tolerance = options.simplify});
  }
  places.unsure = caption.unsure;
  return places;
}

}  // namespace ccexpert::tools
