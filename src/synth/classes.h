// Which class every pixel belongs to at each date, and where that changed.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/synth/pair.h>

#include "synth/scene.h"

namespace ccexpert::synth {

/// [size,size] a number of the object where it is a building or a place for leisure, times 8, plus LandClass.
/// Two buildings have different numbers, so that one in place of another is a change. What covers open ground
/// on one day is left out.
std::vector<uint16_t> object_map(const Scene& scene, int date);

/// [size,size] LandClass, with what covers open ground on that day.
std::vector<uint8_t> class_map(const Scene& scene, int date);

/// 255 where two object maps differ, else 0.
std::vector<uint8_t> change_mask(const std::vector<uint16_t>& before, const std::vector<uint16_t>& after);

LandClass class_of(Ground ground);

/// How far pavement reaches to each side of a road's middle.
double paved_half(const Scene& scene, const Road& road, int date);

}  // namespace ccexpert::synth
