// Errors of a quantised model on sample pairs.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/config.h>

#include "generate/prompt_start.h"
#include "generate/shared/quantize.h"

namespace ccexpert::generate {

struct SampleErrors {
  std::map<std::string, double> outputs = {};  ///< of each product's results, by the name of its matrix
  std::optional<LogitAgreement> logits = {};   ///< nothing without samples
  std::optional<LogitAgreement> bfloat16_logits = {};  ///< if they were asked for
};

/// Captions the samples of `request` in float32, and measures products and logits of 8 or 4 bits beside it.
/// `start`: that of the quantised model's prompts. One of both models is in memory at a time.
SampleErrors sample_errors(const io::Checkpoint& checkpoint, const model::ModelConfig& config,
                           const QuantizeRequest& request, const std::optional<PromptStart>& start);

}  // namespace ccexpert::generate
