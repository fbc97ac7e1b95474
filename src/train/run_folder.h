// Output folder of a run: DIR/{lock, log.jsonl, report.html, checkpoints/step-NNNNNNNN/, best, last,
// finished}.
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
  /// Link to the checkpoint with the best score.
  std::filesystem::path best() const { return root_ / "best"; }
  /// Link to the newest checkpoint.
  std::filesystem::path last() const { return root_ / "last"; }
  /// Marks a complete run; contains its last step.
  std::filesystem::path finished() const { return root_ / "finished"; }

  /// Creates the folders. Throws Error if that fails.
  void create() const;
  /// Restores a checkpoint that was set aside when `replace_checkpoint` was killed. Throws Error if that
  /// fails.
  void restore_replaced() const;
  /// Returns the steps of the complete checkpoints, ascending.
  std::vector<int64_t> steps() const;
  /// Returns the step that `best` points at, or nothing.
  std::optional<int64_t> best_step() const;
  void set_best(int64_t step) const;
  void set_last(int64_t step) const;
  /// Removes checkpoints up to step `newest` except the last `keep` of them and the best, and what a killed
  /// run left: unfinished and replaced checkpoints, temporary links. Other files stay. Checkpoints after
  /// `newest` stay: they are broken, and the run continues from an earlier one.
  void prune(int64_t keep, int64_t newest) const;

 private:
  void set_link(const std::filesystem::path& link, int64_t step) const;
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }

  std::filesystem::path root_;
};

/// Returns the folder in which the checkpoint `folder` is written before it is renamed.
std::filesystem::path unfinished_checkpoint(const std::filesystem::path& folder);

/// Renames the folder `fresh` to `folder`, which may exist. At every moment one of the two is complete under
/// its name, or the older one is set aside for `RunFolder::restore_replaced`. Throws Error if a rename fails.
void replace_checkpoint(const std::filesystem::path& fresh, const std::filesystem::path& folder);

}  // namespace ccexpert::train
