// Tiles of a map as jobs of the server's model, beside those of other clients.
#pragma once

#include <exception>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "serve/caption_answer.h"
#include "serve/pixel_memory.h"
#include "serve/shared/maps.h"

namespace ccexpert::serve {

/// Jobs of one map. An error ends the map: `token` is stopped, and `rethrow` throws it.
class TileJobs {
 public:
  /// `each`: request of every tile; its deadline is that of the map. Decoded tiles have a share of `memory`.
  TileJobs(Asking asking, generate::CaptionRequest each, const PixelMemory& memory)
      : asking_(std::move(asking)), each_(std::move(each)), memory_(memory) {}

  /// Returns the model, which lives as long as this object.
  TileModel model();
  std::stop_token token() const { return stop_.get_token(); }
  void rethrow() const;

 private:
  std::vector<generate::ServedCaption> run(std::span<const ImagePair> pairs, bool place_only);
  std::shared_ptr<const DecodedPair> decoded(const ImagePair& pair) const;

  Asking asking_;
  generate::CaptionRequest each_;
  const PixelMemory& memory_;
  std::stop_source stop_;
  std::exception_ptr error_;
};

}  // namespace ccexpert::serve
