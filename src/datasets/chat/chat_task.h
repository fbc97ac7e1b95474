// Conversations about a pair, and validation of the model's answers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>

#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {

/// Pair with its known facts.
struct ChatPair {
  data::ChangeExample pair = {};  ///< may lack captions
  std::vector<std::string> facts = {};
};

/// Sends messages and returns the answer's text.
using Ask = std::function<std::string(const nlohmann::ordered_json& messages)>;

/// Runs the conversation of the task and returns the new captions. Throws Error if the model gives no usable
/// answer in `options.attempts`.
std::vector<std::string> converse(const ChatPair& pair, const AnnotateOptions& options, const Ask& ask);

/// Returns the messages of the first request.
nlohmann::ordered_json first_messages(const ChatPair& pair, const AnnotateOptions& options);

/// Returns the number of answers per pair if every answer is usable.
int64_t turns_of(AnnotateTask task);

/// Returns the problem of an answer as a list of captions, or "". Sets `captions` to those of the answer.
std::string problem_of(const std::string& answer, const ChatPair& pair, int64_t count,
                       std::vector<std::string>& captions);

}  // namespace ccexpert::datasets
