// Report of a run's timings.
#pragma once

#include <string>

#include <ccexpert/captioner.h>

namespace ccexpert::tools {

/// Returns this process's peak memory in bytes.
int64_t peak_memory();

/// Measurements and settings of a run.
struct RunFigures {
  CaptionerTimings timings;
  int64_t peak_bytes = 0;
  generate::DecodingConfig decoding = {};
  std::string model = {};  ///< Captioner::description
  std::string engine = {};
  std::string question = {};
};

/// Returns a human-readable table.
std::string timings_table(const RunFigures& figures);

/// Returns a JSON object: seconds of each stage, counts, tokens per second, bytes, model, engine, decoding,
/// question.
std::string timings_json(const RunFigures& figures);

}  // namespace ccexpert::tools
