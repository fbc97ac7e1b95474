// Tiles of a map as jobs of the server's model, beside those of other clients.
#pragma once

#include <exception>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "serve/caption_answer.h"
#include "serve/shared/maps.h"

namespace ccexpert::serve {

/// Jobs of one map. An error ends the map: `token` is stopped, and `rethrow` throws it.
class TileJobs {
 public:
  /// `each`: job of every tile but its pair; its deadline is that of the map.
  TileJobs(const Asking& asking, CaptionJob each) : asking_(asking), each_(std::move(each)) {}

  /// Returns the model, which lives as long as this object.
  TileModel model();
  std::stop_token token() const { return stop_.get_token(); }
  void rethrow() const;

 private:
  std::vector<FinishedCaption> run(std::span<const ImagePair> pairs, bool locate);

  Asking asking_;
  CaptionJob each_;
  std::stop_source stop_;
  std::exception_ptr error_;
};

}  // namespace ccexpert::serve
