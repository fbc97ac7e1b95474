// Colours and textures of grounds, before light and camera.
#pragma once

#include "synth/look.h"
#include "synth/scene.h"

namespace ccexpert::synth {

/// Two colours and their mixing by textures.
struct Material {
  Colour low, high;
  double bias = 0.5;
  double large = 0, middle = 0, small = 0, streak = 0;
  double spots = 0;  ///< darkness of shrubs, 0: none
  double grain = 0.05;
  double rough = 0;  ///< weight of spots of all sizes
  double rows = 0;   ///< weight of the rows of crops
};

/// Returns the material of a ground whose grass is `green`, 0 dry to 1 lush.
Material material_of(World world, Ground ground, double green);

}  // namespace ccexpert::synth
