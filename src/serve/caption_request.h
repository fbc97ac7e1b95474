// What clients ask, as jobs of the model.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "serve/captions.h"
#include "serve/shared/request_limits.h"

namespace ccexpert::serve {

/// Request about a pair, with its choices of an answer.
struct AskedCaption {
  CaptionJob job;
  bool stream = false;
  bool polygons = false;
  std::string model = {};  ///< empty: any
};

/// Decodes two images, each of at most `limits.max_pixels`, which its header must say. Throws Error naming
/// "before" or "after" of `names`.
std::shared_ptr<const DecodedPair> decoded_pair(std::span<const uint8_t> before,
                                                std::span<const uint8_t> after, const RequestLimits& limits,
                                                std::string_view before_name = "before",
                                                std::string_view after_name = "after");

/// Returns the request of POST /v1/captions, as JSON or as a form. Throws HttpError 400 for a body without
/// this syntax, and Error for wrong values.
AskedCaption asked_caption(const Request& request, const RequestLimits& limits);

/// Returns the request of a JSON object with the keys of /v1/captions.
AskedCaption asked_caption(const nlohmann::json& object, const RequestLimits& limits);

/// Parses a body as a JSON object. Throws HttpError 400.
nlohmann::json json_object(std::string_view body);

/// Sets a job's deadline and client, and the limit of its tokens.
void complete_job(CaptionJob& job, const Request& request, const RequestLimits& limits);

}  // namespace ccexpert::serve
