/// Synthetic pairs of aerial images in the style of LEVIR-CC (0.5 m per pixel, suburbs of Texas), with
/// exactly known changes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::synth {

/// Meaning of a pixel in a class map.
enum class LandClass : uint8_t {
  kBare = 0,      ///< bare ground, desert, sand
  kGrass = 1,     ///< grass and other low vegetation
  kTree = 2,      ///< crowns of trees
  kWater = 3,     ///< ponds and lakes
  kPaved = 4,     ///< roads, parking lots, driveways, sidewalks
  kBuilding = 5,  ///< footprints of buildings
  kLeisure = 6,   ///< swimming pools, playgrounds, sports fields
};
inline constexpr int kLandClasses = 7;

/// Names of the classes, by index.
inline constexpr std::array<const char*, kLandClasses> kLandClassNames{
    "ground", "grass", "tree", "water", "paved", "building", "leisure"};

/// The sentences that LEVIR-CC's annotators write for a pair without change.
inline constexpr std::array<const char*, 5> kUnchangedSentences{
    "there is no difference .", "the two scenes seem identical .", "the scene is the same as before .",
    "no change has occurred .", "almost nothing has changed ."};

inline constexpr int64_t kSmallestSize = 128;
inline constexpr int64_t kLargestSize = 1024;

/// Source of pairs: one of the pairs 2k and 2k + 1 has changed.
struct PairSource {
  uint64_t seed = 42;
  int64_t size = 256;  ///< side of the images in pixels, of 128 to 1024
};

/// Text of a pair.
struct PairText {
  bool changed = false;
  std::vector<std::string> captions;  ///< five, distinct, lower case, each ending in " ."
};

struct SyntheticPair {
  image::Image before;
  image::Image after;
  std::vector<uint8_t> mask;  ///< [size,size] 255 if something was built, removed or planted; else 0
  std::vector<uint8_t> classes_before;  ///< [size,size] LandClass; open ground as on that day
  std::vector<uint8_t> classes_after;   ///< [size,size] LandClass
  PairText text;
};

/// Returns pair `index`. It depends only on `source` and `index`, on every thread and in every order. Throws
/// Error if the size is out of range or the index negative.
SyntheticPair generate_pair(const PairSource& source, int64_t index);

/// Returns the text of the same pair without rendering its images: about ten times faster.
PairText describe_pair(const PairSource& source, int64_t index);

}  // namespace ccexpert::synth
