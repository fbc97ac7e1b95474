// Changes of a place between the two dates.
#pragma once

#include "synth/random.h"
#include "synth/scene.h"

namespace ccexpert::synth {

World any_world(Random& random);

/// Returns a scene of `size` pixels with a change that is large enough to be seen and described.
Scene compose_changed(Random& random, World world, int size);
inline Scene compose_changed(Random& random, int size) {
  const World world = any_world(random);
  return compose_changed(random, world, size);
}

/// Returns a scene of open country in Texas, without a change.
Scene compose_country(Random& random, int size);

}  // namespace ccexpert::synth
