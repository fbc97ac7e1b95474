// What happens to a place between the two dates.
#pragma once

#include "synth/random.h"
#include "synth/scene.h"

namespace ccexpert::synth {

/// A scene of `size` pixels with a change that is large enough to be seen and told.
Scene compose_changed(Random& random, int size);

}  // namespace ccexpert::synth
