// Maps of classes at each date, and of changes.
#pragma once

#include <cstdint>
#include <vector>

#include "synth/scene.h"
#include "synth/shared/pair.h"

namespace ccexpert::synth {

/// Returns [size,size] the object's number for a building or a place for leisure, times 8, plus LandClass.
/// Two buildings have different numbers, so that replacing one by another is a change. Covers of open ground
/// on one day are omitted.
std::vector<uint16_t> object_map(const Scene& scene, int date);

/// Returns [size,size] LandClass, with the covers of open ground on that day.
std::vector<uint8_t> class_map(const Scene& scene, int date);

/// Returns 255 where two object maps differ, else 0.
std::vector<uint8_t> change_mask(const std::vector<uint16_t>& before, const std::vector<uint16_t>& after);

LandClass class_of(Ground ground);

/// Returns the distance that pavement extends to each side of a road's middle.
double paved_half(const Scene& scene, const Road& road, int date);

}  // namespace ccexpert::synth
