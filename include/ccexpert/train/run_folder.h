/// Where a run keeps what it writes: DIR/{lock, log.jsonl, report.html, checkpoints/step-NNNNNNNN/, best,
/// last, finished}.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace ccexpert::train {

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path log() const { return root_ / "log.jsonl"; }
  std::filesystem::path report() const { return root_ / "report.html"; }
  std::filesystem::path checkpoint(int64_t step) const;
  /// A link to the checkpoint with the best score.
  std::filesystem::path best() const { return root_ / "best"; }
  /// A link to the newest checkpoint.
  std::filesystem::path last() const { return root_ / "last"; }
  /// Says that the run went to its end; holds its last step.
  std::filesystem::path finished() const { return root_ / "finished"; }

  /// Makes the folders. Throws Error where that fails.
  void create() const;
  /// Puts back what a kill amid `replace_checkpoint` left aside. Throws Error where that fails.
  void restore_replaced() const;
  /// Steps of the finished checkpoints, ascending.
  std::vector<int64_t> steps() const;
  /// What `best` points at; nothing where there is none.
  std::optional<int64_t> best_step() const;
  void set_best(int64_t step) const;
  void set_last(int64_t step) const;
  /// Removes all checkpoints up to step `newest` but the last `keep` of them and the best, and what a killed
  /// run left half-written. One behind `newest` is broken, and the run went back behind it.
  void prune(int64_t keep, int64_t newest) const;

 private:
  void set_link(const std::filesystem::path& link, int64_t step) const;
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }

  std::filesystem::path root_;
};

/// Puts the folder `fresh` where `folder` may be. At every moment one of the two is whole under its name, or
/// the older one stands aside for `RunFolder::restore_replaced`. Throws Error where a rename fails.
void replace_checkpoint(const std::filesystem::path& fresh, const std::filesystem::path& folder);

}  // namespace ccexpert::train
