// Parts of grounds that the worlds share.
#pragma once

#include "synth/layout.h"

namespace ccexpert::synth {

/// Returns a point in the scene or just outside.
Point anywhere(Random& random, const Scene& scene);

double tree_radius(Random& random, const Scene& scene);

/// Adds wild trees, half of them in groups.
void scatter_trees(Random& random, Scene& scene, int count);

/// Returns the whole scene with a margin.
Polygon frame_of(const Scene& scene);

/// Returns a part of the scene with other ground: beyond a slanted line, or a spot.
Polygon other_part(Random& random, const Scene& scene);

/// Returns a path made by wheels across unmown ground.
Polygon track(Random& random, const Scene& scene);

/// `lay_ground` and `add_covers` in Texas.
void lay_texas_ground(Random& random, Scene& scene, Ground ground);
void add_texas_covers(Random& random, Scene& scene);

}  // namespace ccexpert::synth
