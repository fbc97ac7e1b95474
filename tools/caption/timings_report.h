// Where the time of a run went.
#pragma once

#include <string>

#include <ccexpert/captioner.h>

namespace ccexpert::tools {

/// Most memory this process has held, in bytes.
int64_t peak_memory();

/// A table for people.
std::string timings_table(const CaptionerTimings& timings, int64_t peak_bytes);

/// The same as a JSON object: seconds of each stage, counts, tokens per second, bytes.
std::string timings_json(const CaptionerTimings& timings, int64_t peak_bytes);

}  // namespace ccexpert::tools
