// Captions of many clients by one batch that changes between tokens.
#pragma once

#include <memory>
#include <string>

#include "generate/shared/service_limits.h"
#include "serve/captions.h"

namespace ccexpert::serve {

/// Returns captions by a CaptionService.
std::unique_ptr<Captions> served_captions(Captioner captioner, const std::string& name,
                                          const generate::ServiceLimits& limits);

}  // namespace ccexpert::serve
