// What clients ask, as jobs of the model.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "serve/captions.h"
#include "serve/shared/request_limits.h"

namespace ccexpert::serve {

/// File of an image in a request.
struct PairFile {
  std::string name = {};               ///< for errors
  std::span<const uint8_t> sent = {};  ///< a part of the request's body
  std::vector<uint8_t> decoded = {};   ///< from Base64, in place of `sent`

  std::span<const uint8_t> bytes() const { return decoded.empty() ? sent : std::span(decoded); }
};

/// Request about a pair, with its choices of an answer.
struct AskedCaption {
  CaptionJob job;                      ///< `load_pair` gives it its pair
  std::array<PairFile, 2> files = {};  ///< the earlier image first
  int64_t after_height = 0, after_width = 0;
  bool stream = false;
  bool polygons = false;
  std::string model = {};  ///< empty: any
};

/// Returns the request of POST /v1/captions, as JSON or as a form. Throws HttpError 400 for a body without
/// this syntax, and Error for wrong values.
AskedCaption asked_caption(const Request& request, const RequestLimits& limits);

/// Returns the request of a JSON object with the keys of /v1/captions.
AskedCaption asked_caption(const nlohmann::json& object, const RequestLimits& limits);

/// Throws Error for a question that is too long.
void expect_question(std::string_view question, const RequestLimits& limits);

/// Parses a body as JSON. Throws HttpError 400.
nlohmann::json json_value_of(std::string_view body);

/// Parses a body as a JSON object. Throws HttpError 400.
nlohmann::json json_object(std::string_view body);

/// Sets a job's deadline, counted from the request's header, and its client. Values that the request leaves
/// to the model are cut to the limits. Throws Error for settings of decoding that do not fit together.
void complete_job(CaptionJob& job, const Request& request, const RequestLimits& limits,
                  const Captions& captions);

}  // namespace ccexpert::serve
