// Output of `annotate`: the list with new captions, and the list of failures.
#pragma once

#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "datasets/chat/annotate_job.h"
#include "datasets/lists/list_writer.h"
#include "datasets/lists/universal.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {

/// Nothing is visible before `commit`.
class AnnotatedList {
 public:
  /// `options` must outlive it. Throws Error if the list cannot be written.
  explicit AnnotatedList(const AnnotateOptions& options);

  /// Writes the entry unless it is not a pair, and lists its problem if it has one.
  void write(const AnnotateJob& job);

  /// Throws Error if no pair was written.
  void commit();

  /// Returns the numbers of pairs by outcome.
  const AnnotateSummary& counts() const { return counts_; }

 private:
  std::filesystem::path failures_path() const;
  void count(AnnotateOutcome outcome);
  void put_captions(nlohmann::ordered_json& entry, const AnnotateJob& job) const;
  void list_failure(const AnnotateJob& job);
  void commit_failures();

  const AnnotateOptions& options_;
  const PathMove move_;
  std::unique_ptr<ListWriter> writer_;
  std::unique_ptr<AtomicFile> failures_;  ///< null if there is none
  AnnotateSummary counts_;
};

}  // namespace ccexpert::datasets
