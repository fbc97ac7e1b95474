// The model as the server sees it: requests for captions, answered by events.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>

#include "serve/http.h"

namespace ccexpert::serve {

/// Decoded images of a pair.
struct DecodedPair {
  std::shared_ptr<void> memory = {};  ///< share of PixelMemory, freed after the pixels
  image::Image before = {}, after = {};
};

/// Turn of a conversation that is over.
struct PastTurn {
  std::string question, answer;
};

struct CaptionJob {
  std::shared_ptr<const DecodedPair> pair;
  std::vector<PastTurn> past = {};  ///< about the same pair, the oldest first
  std::string question = {};        ///< empty: the model's
  generate::GenerationOptions generation = {};
  bool locate = false;
  bool words = false;
  std::string client = {};          ///< clients take turns
  Clock::time_point deadline = {};  ///< of the whole caption
};

/// Result of a job.
struct FinishedCaption {
  Caption caption;
  int64_t prompt_tokens = 0;  ///< image tokens included
  double queue_seconds = 0.0;
  double seconds = 0.0;
};

/// Called on a thread of the model; they must not wait. After all tokens, exactly one of `on_done` and
/// `on_error` is called.
struct CaptionEvents {
  std::function<void(const TokenEvent&)> on_token;
  std::function<void(FinishedCaption)> on_done;
  std::function<void(std::exception_ptr)> on_error;
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
  virtual Cancel submit(CaptionJob job, CaptionEvents events) = 0;
  /// Throws HttpError 429 if the queue is full now: a job needs no preparation then.
  virtual void expect_place() const = 0;
  /// Returns the settings that these options give: values that are not set are the model's.
  virtual generate::DecodingConfig decoding(const generate::GenerationOptions& options) const = 0;
  virtual const ModelFacts& facts() const = 0;
  virtual CaptionCounts counts() const = 0;
  /// Refuses further jobs and ends those that are left after `limit`.
  virtual void drain(std::chrono::milliseconds limit) = 0;
};

}  // namespace ccexpert::serve
