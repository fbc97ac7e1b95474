// Memory of the bodies of all requests.
#pragma once

#include <atomic>
#include <cstdint>

#include "serve/replies.h"

namespace ccexpert::serve {

/// Part of the memory of all bodies that one request has. It grows as bytes come: an announced length takes
/// nothing from others.
class BodyMemory {
 public:
  /// `all`: bytes of all requests together, of which at most `most` may be held.
  BodyMemory(std::atomic<int64_t>& all, int64_t most) : all_(all), most_(most) {}
  ~BodyMemory() { release(); }
  BodyMemory(const BodyMemory&) = delete;
  BodyMemory& operator=(const BodyMemory&) = delete;

  /// Throws HttpError 503 if the bytes of all requests would exceed the limit.
  void grow_to(int64_t bytes) {
    const auto more = bytes - bytes_;
    if (more <= 0) return;
    if (all_.fetch_add(more) + more > most_) {
      all_ -= more;
      throw HttpError(503, "the server holds as many requests as its memory allows (try again later)",
                      "too_many_bodies");
    }
    bytes_ = bytes;
  }
  void release() {
    all_ -= bytes_;
    bytes_ = 0;
  }

 private:
  std::atomic<int64_t>& all_;
  int64_t most_;
  int64_t bytes_ = 0;
};

}  // namespace ccexpert::serve
