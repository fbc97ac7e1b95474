/// Pairs with captions to train on: the project's own ("universal") format, and lists of such files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ccexpert::data {

/// One place at two dates, and what people say of the difference.
struct ChangeExample {
  std::string uid;  ///< one pair within its file; other files may use it too
  std::filesystem::path before;
  std::filesystem::path after;
  std::vector<std::string> captions = {};     ///< at least one, none blank
  std::optional<bool> changed = {};           ///< nothing where the file does not say
  std::filesystem::path mask = {};            ///< image of what changed (any channel above 0); empty: none
  std::filesystem::path classes_before = {};  ///< image of classes; empty: none
  std::filesystem::path classes_after = {};   ///< image of classes; empty: none
  int64_t repeat = 1;                         ///< visits an epoch

  bool operator==(const ChangeExample&) const = default;
};

/// Reads the universal format, a JSON array or JSON Lines (recognised by content) of objects with
///
///   img1_path, img2_path   paths (or before, after)
///   change_caption         a text or a list of them
///   uid                    optional; else the entry is filed under its before path as the file has it
///   change_flag            optional; 0, 1, true or false
///   mask_path, classes1_path, classes2_path   optional paths
///
/// Other keys are ignored. Relative paths start at `image_root`, or at the file's folder where that is empty.
/// An entry that stands twice stays twice. Throws Error naming the file, the line (or the entry) and the key
/// where something is missing, is of another type, or one uid stands for different images.
std::vector<ChangeExample> read_change_dataset(const std::filesystem::path& file,
                                               const std::filesystem::path& image_root = {});

/// Reads a data list, YAML of
///
///   datasets:
///     - json_path: levir-cc/{split}.json # a file of the universal format
///       splits: [train, val]             # a file for each, where json_path has {split}
///       sampling_strategy: all           # or first:N, end:N, random:N; N a count, or k% (rounded up)
///       captions: all                    # of each pair that are kept; the same choices
///       repeat: 3                        # visits an epoch of each pair (1: no up-sampling)
///       image_root: levir-cc/images      # where relative image paths start
///
/// Only json_path is required. Relative json_path and image_root start at the list's folder; without an
/// image_root in the list, `image_root` holds, and without that the JSON file's folder. A count beyond the
/// file's pairs takes all of them. What `random` draws depends on `seed`, the file's place in the list (each
/// split counts) and the file's number of pairs alone, and of captions on the pair's place in its file and
/// its number of captions; what is drawn stays in the file's order. Throws Error naming the file, the line
/// and the key, also for unknown keys.
std::vector<ChangeExample> read_data_list(const std::filesystem::path& list,
                                          const std::filesystem::path& image_root = {}, uint64_t seed = 42);

}  // namespace ccexpert::data
