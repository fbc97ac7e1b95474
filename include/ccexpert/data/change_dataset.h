/// Training pairs with captions: readers of the project's own ("universal") format and of data lists.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ccexpert {
struct UniversalEntry;
}

namespace ccexpert::data {

/// Two images of one place at two dates, with captions of the difference.
struct ChangeExample {
  std::string uid;                         ///< unique within its file, not across files
  std::filesystem::path before;            ///< earlier image
  std::filesystem::path after;             ///< later image
  std::vector<std::string> captions = {};  ///< at least one, none blank
  std::optional<bool> changed = {};        ///< nothing if the file does not give it
  std::filesystem::path mask = {};         ///< mask image, changed where any channel is above 0; empty: none
  std::filesystem::path classes_before = {};  ///< class map; empty: none
  std::filesystem::path classes_after = {};   ///< class map; empty: none
  int64_t repeat = 1;                         ///< visits per epoch

  bool operator==(const ChangeExample&) const = default;
};

/// Reads the universal format, a JSON array or JSON Lines (recognised by content) of objects with
///
///   img1_path, img2_path   paths (or before, after)
///   change_caption         a string or a list of strings
///   uid                    optional; default: the before path as written in the file
///   change_flag            optional; 0, 1, true or false
///   mask_path, classes1_path, classes2_path   optional paths
/// Other keys are ignored. Relative paths start at `image_root`, or at the file's folder if that is empty.
/// Repeated entries are kept. Throws Error with the file, the line (or the entry) and the key if a value is
/// missing or has the wrong type, or if one uid names different images.
std::vector<ChangeExample> read_change_dataset(const std::filesystem::path& file,
                                               const std::filesystem::path& image_root = {});

/// Reads a data list in YAML:
///
///   datasets:
///     - json_path: levir-cc/{split}.json # a file of the universal format
///       splits: [train, val]             # one file each, for {split} in json_path
///       sampling_strategy: all           # or first:N, end:N, random:N; N a count, or k% (rounded up)
///       captions: all                    # captions kept of each pair; same choices
///       repeat: 3                        # visits of each pair per epoch (1: no up-sampling)
///       image_root: levir-cc/images      # folder that relative image paths start at
/// Only json_path is required. Relative json_path and image_root start at the list's folder. If the list
/// gives no image_root, `image_root` applies; if that is empty, the JSON file's folder. A count above the
/// file's number of pairs takes all of them. `random` draws pairs by `seed`, the file's index in the list
/// (each split counts) and the file's number of pairs alone; it draws captions also by the pair's index in
/// its file and its number of captions. Drawn items keep the file's order. Throws Error with the file, the
/// line and the key, also for unknown keys.
std::vector<ChangeExample> read_data_list(const std::filesystem::path& list,
                                          const std::filesystem::path& image_root = {}, uint64_t seed = 42);

/// Returns the pair of an entry of the universal format, which may lack captions; its paths start at `root`.
/// Throws Error if a path is missing.
ChangeExample to_example(const UniversalEntry& entry, const std::filesystem::path& root);

}  // namespace ccexpert::data
