// Predictions and scores of the reference implementation.
#pragma once

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/eval/captioned_pair.h>

#include "support/paths.h"

namespace ccexpert::test {

inline std::string golden_metrics_file(const std::string& name) {
  return std::string(test::kTestData) + "/metrics/" + name;
}

inline nlohmann::json golden_metrics() {
  return nlohmann::json::parse(std::ifstream(golden_metrics_file("expected.json")));
}

/// Returns the pairs as the reference scores them, each uid once.
inline std::vector<eval::CaptionedPair> golden_samples() {
  std::vector<eval::CaptionedPair> samples;
  std::set<std::string> seen;
  std::ifstream lines(golden_metrics_file("predictions.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    eval::CaptionedPair sample{.uid = entry["uid"],
                               .prediction = entry["pred"],
                               .references = entry["change_caption"],
                               .changed = entry["change_flag"] == 1};
    if (seen.insert(sample.uid).second)
      samples.push_back(eval::tokenize(std::move(sample), eval::Tokenizer::kReference));
  }
  return samples;
}

}  // namespace ccexpert::test
