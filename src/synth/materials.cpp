#include "synth/materials.h"

namespace ccexpert::synth {
namespace {

Material grass(Colour dry_low, Colour dry_high, Colour lush_low, Colour lush_high, double green) {
  return {mixed(dry_low, lush_low, green), mixed(dry_high, lush_high, green)};
}

Material varied_material(Ground ground, double green) {
  Material m;
  switch (ground) {
    case Ground::kBare:
      m = {{126, 112, 88}, {196, 182, 152}, 0.45, 0.28, 0.14, 0.17, 0.08, 0.08, 0.06};
      break;
    case Ground::kDesert:
      m = {{150, 128, 98}, {204, 182, 146}, 0.45, 0.28, 0.12, 0.12, 0.05, 0.16, 0.045};
      break;
    case Ground::kMeadow:
      m = grass({104, 94, 62}, {148, 132, 92}, {54, 72, 38}, {104, 112, 62}, 0.25 + 0.75 * green);
      m.bias = 0.45, m.large = 0.22, m.middle = 0.11, m.small = 0.24, m.streak = 0.05, m.spots = 0.15,
      m.grain = 0.09;
      break;
    case Ground::kDryMeadow:
      m = grass({90, 77, 52}, {158, 136, 98}, {70, 74, 42}, {138, 128, 84}, 0.8 * green);
      m.bias = 0.45, m.large = 0.26, m.middle = 0.12, m.small = 0.25, m.streak = 0.03, m.spots = 0.42,
      m.grain = 0.1;
      break;
    case Ground::kLawn:
      m = grass({104, 92, 58}, {140, 124, 84}, {52, 74, 34}, {88, 106, 52}, 0.15 + 0.85 * green);
      m.bias = 0.5, m.large = 0.12, m.middle = 0.16, m.small = 0.14, m.streak = 0.06, m.grain = 0.06;
      break;
    case Ground::kWoodFloor:
      m = grass({66, 58, 38}, {126, 108, 74}, {44, 48, 28}, {92, 90, 56}, green);
      m.bias = 0.35, m.large = 0.12, m.middle = 0.24, m.small = 0.18, m.spots = 0.3, m.grain = 0.09;
      break;
    case Ground::kField:
      m = grass({112, 90, 62}, {154, 132, 96}, {62, 76, 44}, {118, 122, 70}, green);
      m.bias = 0.5, m.large = 0.22, m.middle = 0.06, m.small = 0.08, m.streak = 0.28, m.grain = 0.05;
      break;
    case Ground::kWorks:
      m = {{156, 142, 116}, {218, 205, 178}, 0.45, 0.24, 0.16, 0.14, 0.14, 0.06, 0.055};
      break;
  }
  return m;
}

/// Soils of limestone hills and of black prairie: pale to grey-brown, with muted grass, in spots of all
/// sizes. Colours match photographs of one date with a mean brightness of 82; `rough` is about the
/// deviation of open ground there.
Material texas_material(Ground ground, double green) {
  Material m;
  m.bias = 0.5;
  m.rough = 0.2;
  m.small = 0.1;
  m.grain = 0.04;
  switch (ground) {
    case Ground::kBare:
      m.low = {112, 100, 82}, m.high = {172, 160, 136};
      m.rough = 0.15, m.spots = 0.1;
      break;
    case Ground::kDesert:
      m.low = {118, 108, 88}, m.high = {176, 166, 142};
      m.spots = 0.3;
      break;
    case Ground::kMeadow:
      m = grass({92, 88, 64}, {138, 121, 97}, {56, 76, 42}, {108, 112, 76}, 0.2 + 0.8 * green);
      m.rough = 0.22, m.small = 0.12, m.spots = 0.08, m.grain = 0.045;
      break;
    case Ground::kDryMeadow:
      m = grass({88, 83, 62}, {152, 134, 108}, {68, 79, 52}, {132, 122, 93}, 0.8 * green);
      m.rough = 0.22, m.small = 0.14, m.spots = 0.35, m.grain = 0.05;
      break;
    case Ground::kLawn:
      m = grass({92, 82, 62}, {124, 112, 88}, {58, 70, 44}, {86, 96, 62}, 0.1 + 0.9 * green);
      m.rough = 0.2, m.middle = 0.08, m.small = 0.1;
      break;
    case Ground::kWoodFloor:
      m = grass({76, 68, 54}, {132, 122, 100}, {58, 60, 42}, {106, 104, 78}, green);
      m.bias = 0.45, m.rough = 0.24, m.small = 0.18, m.spots = 0.35, m.grain = 0.06;
      break;
    case Ground::kField:
      m = grass({96, 84, 68}, {132, 120, 98}, {66, 78, 50}, {100, 108, 74}, green);
      m.rough = 0.16, m.small = 0.04, m.rows = 0.3, m.grain = 0.03;
      break;
    case Ground::kWorks:
      m.low = {148, 138, 116}, m.high = {218, 208, 184};
      m.rough = 0.14, m.middle = 0.06, m.streak = 0.05;
      break;
  }
  return m;
}

}  // namespace

Material material_of(World world, Ground ground, double green) {
  return world == World::kTexas ? texas_material(ground, green) : varied_material(ground, green);
}

}  // namespace ccexpert::synth
