// Captions one after the other.
#pragma once

#include <memory>

#include "serve/captions.h"

namespace ccexpert::serve {

/// Returns captions by one thread, from a queue of at most `queued` jobs in which clients take turns.
std::unique_ptr<Captions> queued_captions(Captioner captioner, ModelFacts facts, int64_t queued);

}  // namespace ccexpert::serve
