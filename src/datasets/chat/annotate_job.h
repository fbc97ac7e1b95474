// Entries of a list that `annotate` works on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "datasets/chat/chat_task.h"
#include "datasets/json_stream.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {

enum class AnnotateOutcome {
  kNoPair,
  kUnasked,  ///< beyond limit or max_cost
  kGivenUp,
  kAnnotated,
};

/// Entry in progress.
struct AnnotateJob {
  nlohmann::json entry;
  std::string where;
  int64_t number = 0;  ///< index from 0
  AnnotateOutcome outcome = AnnotateOutcome::kNoPair;
  std::vector<std::string> captions = {};
  std::string problem = {};
};

/// Throws Error for a value out of range.
void expect_valid(const AnnotateOptions& options);

/// Returns the folder that images of the list start at.
std::filesystem::path image_root_of(const AnnotateOptions& options);

/// Returns the pair of an entry. Throws Error if it is none.
ChatPair chat_pair_of(const nlohmann::json& entry, const std::string& where,
                      const std::filesystem::path& root);

/// Calls `work` with consecutive entries of `list`, 16 for each concurrent request. A line that is not JSON
/// becomes a job with a problem, or throws Error, as on_error says.
void for_each_batch(const AnnotateOptions& options, ElementList& list,
                    const std::function<void(std::vector<AnnotateJob>&)>& work);

}  // namespace ccexpert::datasets
