/// A checkpoint's decoding settings (generation_config.json).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/generate/options.h>

namespace ccexpert::generate {

/// Values of a checkpoint's generation_config.json, and its unsupported settings.
class CheckpointGeneration {
 public:
  /// Reads the file's text, which may be empty; `source` starts error messages. Without eos_token_id the stop
  /// ids are `end_ids`. Throws Error for an invalid value, and for an unsupported setting that changes greedy
  /// decoding.
  CheckpointGeneration(std::string_view json_text, std::string source, std::vector<int64_t> end_ids);

  /// Returns the resolved settings for `asked`, validated against a model of `vocabulary` tokens. Throws
  /// Error for an invalid combination, and for an unsupported setting of the file that affects the request.
  DecodingConfig decoding(const GenerationOptions& asked, int64_t vocabulary) const;

 private:
  std::string source_;
  GenerationOptions values_;
  std::vector<std::string> of_sampling_;  ///< unsupported settings
  std::vector<std::string> of_beams_;
};

}  // namespace ccexpert::generate
