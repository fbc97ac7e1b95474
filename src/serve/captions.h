// The model as the server sees it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>

#include "generate/shared/caption_service.h"
#include "serve/http.h"

namespace ccexpert::serve {

/// Decoded images of a pair.
struct DecodedPair {
  std::shared_ptr<void> memory = {};  ///< share of PixelMemory, freed after the pixels
  image::Image before = {}, after = {};
};

/// Request about a pair. `request.pair` stays empty: the model prepares `pair`.
struct CaptionJob {
  std::shared_ptr<const DecodedPair> pair;
  generate::CaptionRequest request = {};
};

/// Facts about the model that do not change.
struct ModelFacts {
  std::string name;         ///< for clients
  std::string description;  ///< sizes, device and precision
  std::string engine;
  std::string question;  ///< the default one
  bool calibrated = false;
  double change_threshold = 0.5;
  int64_t created = 0;  ///< seconds since 1970
};

struct CaptionCounts {
  int64_t waiting = 0;
  int64_t running = 0;
};

/// Thread-safe.
class Captions {
 public:
  using Cancel = std::function<void()>;

  virtual ~Captions() = default;
  /// Puts a job into the queue. The returned function ends it as cancelled. Throws HttpError 429 if the queue
  /// is full and 503 while the server ends, and Error for a job that is not valid.
  virtual Cancel submit(CaptionJob job, generate::CaptionEvents events) = 0;
  /// Throws HttpError 429 or 503 if `submit` would now refuse each job of a client: it needs no preparation.
  virtual void expect_place(const std::string& client) const = 0;
  /// Returns the settings that these options give: values that are not set are the model's.
  virtual generate::DecodingConfig decoding(const generate::GenerationOptions& options) const = 0;
  virtual const ModelFacts& facts() const = 0;
  virtual CaptionCounts counts() const = 0;
  /// Refuses further jobs and ends those that are left after `limit`.
  virtual void drain(std::chrono::milliseconds limit) = 0;
};

}  // namespace ccexpert::serve
