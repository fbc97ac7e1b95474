// Images of a request, from their files to pixels.
#pragma once

#include "serve/caption_answer.h"
#include "serve/caption_request.h"
#include "serve/pixel_memory.h"

namespace ccexpert::serve {

/// Limits of the images of a request.
struct PairLimits {
  int64_t max_pixels = 0;  ///< of one image
  const PixelMemory& memory;
};

/// Decodes the images of a request whose other values are valid, gives them to its job, and frees the
/// request's body. It waits for memory until the job's deadline. Throws HttpError 429 if the queue is full
/// already, HttpError 504 after the deadline, Error naming the image that does not fit, and ClientLeft.
void load_pair(const Asking& asking, AskedCaption& asked, const PairLimits& limits);

}  // namespace ccexpert::serve
