// Requests of OpenAI's chat completions about a pair.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "serve/caption_request.h"

namespace ccexpert::serve {

struct AskedChat {
  AskedCaption asked;
  bool include_usage = false;  ///< a last chunk of a stream with the counts
  bool logprobs = false;
};

/// Returns the job of {"messages": [...]}: two images in the messages of the user, as data URIs, the earlier
/// one first; the last message is the question. Keys that are not listed in /docs are passed over, as clients
/// send many. Throws Error for values that cannot be followed.
AskedChat asked_chat(const nlohmann::json& object, const RequestLimits& limits);

}  // namespace ccexpert::serve
