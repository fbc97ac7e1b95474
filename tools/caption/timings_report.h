// Where the time of a run went.
#pragma once

#include <string>

#include <ccexpert/captioner.h>

namespace ccexpert::tools {

/// Most memory this process has held, in bytes.
int64_t peak_memory();

/// What a run did, and how.
struct RunFigures {
  CaptionerTimings timings;
  int64_t peak_bytes = 0;
  DecodingConfig decoding = {};
  std::string question = {};
};

/// A table for people.
std::string timings_table(const RunFigures& figures);

/// The same as a JSON object: seconds of each stage, counts, tokens per second, bytes, decoding, question.
std::string timings_json(const RunFigures& figures);

}  // namespace ccexpert::tools
