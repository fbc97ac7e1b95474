/// Made-up pairs of aerial images, in the manner of LEVIR-CC (0.5 m a pixel, suburbs of Texas), of which
/// every change is known exactly.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::synth {

/// What a pixel of a class map says.
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

/// The name of each class, by its index.
inline constexpr std::array<const char*, kLandClasses> kLandClassNames{
    "ground", "grass", "tree", "water", "paved", "building", "leisure"};

/// What every annotator of LEVIR-CC writes of a pair without change.
inline constexpr std::array<const char*, 5> kUnchangedSentences{
    "there is no difference .", "the two scenes seem identical .", "the scene is the same as before .",
    "no change has occurred .", "almost nothing has changed ."};

inline constexpr int64_t kSmallestSize = 128;
inline constexpr int64_t kLargestSize = 1024;

/// Which pairs: of pairs 2k and 2k + 1 one has changed.
struct PairSource {
  uint64_t seed = 42;
  int64_t size = 256;  ///< side of the images in pixels, of 128 to 1024
};

/// What is said of a pair.
struct PairText {
  bool changed = false;
  std::vector<std::string> captions;  ///< five, distinct, lower case, each ending in " ."
};

struct SyntheticPair {
  Image before;
  Image after;
  std::vector<uint8_t> mask;  ///< [size,size] 255 where something was built, removed, planted; else 0
  std::vector<uint8_t> classes_before;  ///< [size,size] LandClass; open ground as it is on that day
  std::vector<uint8_t> classes_after;   ///< [size,size] LandClass
  PairText text;
};

/// Pair `index`. It depends on `source` and `index` alone, on every thread and in every order. Throws Error
/// where the size is out of range or the index negative.
SyntheticPair generate_pair(const PairSource& source, int64_t index);

/// The text of the same pair, without its images: some ten times faster.
PairText describe_pair(const PairSource& source, int64_t index);

}  // namespace ccexpert::synth
