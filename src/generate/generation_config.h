// generation_config.json: how a checkpoint asks to be decoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/generate/options.h>

namespace ccexpert {

/// Values of a checkpoint's generation_config.json, and what of it is not known here.
class CheckpointGeneration {
 public:
  /// Reads the file's text, which may be empty; `source` begins error messages. Without eos_token_id the stop
  /// ids are `end_ids`. Throws Error for a value that no decoding can have, and for a setting that changes
  /// greedy decoding and is not implemented.
  CheckpointGeneration(std::string_view json_text, std::string source, std::vector<int64_t> end_ids);

  /// What holds if `asked` is asked; validated against a model of `vocabulary` tokens. Throws Error for a
  /// combination that cannot be, and for a setting of the file that changes what is asked for and is not
  /// implemented.
  DecodingConfig decoding(const GenerationOptions& asked, int64_t vocabulary) const;

 private:
  std::string source_;
  GenerationOptions values_;
  std::vector<std::string> of_sampling_;  ///< settings that are not implemented
  std::vector<std::string> of_beams_;
};

}  // namespace ccexpert
