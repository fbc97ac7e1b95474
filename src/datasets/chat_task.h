// What a model is asked about a pair, and whether its answer will do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/datasets/annotate.h>

namespace ccexpert::datasets {

/// A pair with all that is known of it.
struct ChatPair {
  data::ChangeExample pair = {};  ///< may lack captions
  std::vector<std::string> facts = {};
};

/// Sends messages and returns the answer's text.
using Ask = std::function<std::string(const nlohmann::ordered_json& messages)>;

/// Leads the conversation of the task and returns the new captions. Throws Error where the model gives no
/// usable answer in `options.attempts`.
std::vector<std::string> converse(const ChatPair& pair, const AnnotateOptions& options, const Ask& ask);

/// Messages of the first request.
nlohmann::ordered_json first_messages(const ChatPair& pair, const AnnotateOptions& options);

/// Answers of one pair where every one is usable.
int64_t turns_of(AnnotateTask task);

/// What is wrong with an answer as a list of captions; "" where nothing is. `captions` become those of it.
std::string problem_of(const std::string& answer, const ChatPair& pair, int64_t count,
                       std::vector<std::string>& captions);

}  // namespace ccexpert::datasets
