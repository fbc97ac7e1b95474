// Relations of changed objects to roads and to each other.
#pragma once

#include <vector>

#include "synth/facts.h"

namespace ccexpert::synth {

/// Sets roadside, sides and rows of a fact about houses or large buildings that stand at `date`.
void relate_buildings(const Scene& scene, const std::vector<const Building*>& buildings, int date,
                      Fact& fact);

/// True if a person would see the road: 10 m of it are in the frame.
bool is_seen(const Scene& scene, const Road& road);

/// True if three of `others` are within 40 m of each building.
bool are_among(const Scene& scene, const std::vector<const Building*>& buildings,
               const std::vector<const Building*>& others);

/// True if all boxes are within 15 m of a road in the frame that exists at `date`.
bool near_roads(const Scene& scene, const std::vector<Box>& boxes, int date);

/// Returns the form of roads, as seen in the frame.
RoadForm form_of(const Scene& scene, const std::vector<const Road*>& roads);

/// True if the only road begins where one that exists at both dates ends.
bool extends(const Scene& scene, const std::vector<const Road*>& roads);

}  // namespace ccexpert::synth
