/// Published data sets and a user's own folders to the project's universal format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace ccexpert::datasets {

/// What to do with an entry that is missing something, names no image, or has no caption.
enum class OnError {
  kError,  ///< throw; nothing is written
  kSkip,   ///< leave it out, count it, list it in left-out.jsonl
};

enum class PathStyle {
  kRelative,  ///< from the output folder: both folders can move together
  kAbsolute,
};

enum class ListFormat {
  kJson,       ///< an array, one entry a line
  kJsonLines,  ///< an entry a line
};

enum class CaptionCleaning {
  kClean,  ///< the same form for all sources, see clean_caption
  kRaw,    ///< as the source has them
};

/// Which windows of a pair are cut out where only a mask says what changed (paper IV-A1: pairs are cut by how
/// significant the change is).
struct CropOptions {
  bool enabled = true;         ///< false: whole pairs
  double target_share = 0.15;  ///< share of its window that a change should fill
  double whole_share = 0.08;   ///< from this share of the image on, the whole image is taken
  double least_share = 5e-4;   ///< changes below this share of the image are noise and count as none
  int64_t least_side = 128;    ///< least side of a window in pixels
  int64_t most = 4;            ///< most windows of one pair
};

struct ConvertOptions {
  std::string source = "auto";  ///< a name of source_names(), or "auto": recognised by its files
  std::filesystem::path input = {};
  std::filesystem::path output = {};
  std::string before_folder = {};           ///< of one's own images, within input (empty: found by its name)
  std::string after_folder = {};            ///< the same
  std::filesystem::path captions_csv = {};  ///< of one's own folders: CSV with name and caption (empty: none)
  ListFormat format = ListFormat::kJson;
  PathStyle paths = PathStyle::kRelative;
  CaptionCleaning cleaning = CaptionCleaning::kClean;
  OnError on_error = OnError::kError;
  bool overwrite = false;  ///< replaces lists that an earlier conversion wrote
  bool check_images =
      true;  ///< every image file must exist, and be of its mask's size; only headers are read
  CropOptions crops = {};
  uint64_t seed = 42;  ///< decides the wording of captions from masks
  int64_t jobs = 0;    ///< threads that decode masks (0: one a core)
};

struct SplitCounts {
  int64_t pairs = 0;
  int64_t captions = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;

  bool operator==(const SplitCounts&) const = default;
};

struct ConvertSummary {
  std::string source = {};                         ///< as recognised
  std::map<std::string, SplitCounts> splits = {};  ///< by name: train, val, test
  int64_t merged = 0;                              ///< entries of pairs that were there already
  int64_t left_out = 0;                            ///< entries that on_error left out
  int64_t passed_over = 0;                         ///< entries of other tasks, and copies of test pairs
  int64_t blank_captions = 0;                      ///< captions without a word, dropped
  bool interrupted = false;                        ///< stop was requested; nothing was written
};

struct SourceInfo {
  std::string name;
  std::string title;   ///< as its authors write it
  std::string layout;  ///< what it is recognised by
};

/// All sources, in the order in which `auto` tries them.
std::vector<SourceInfo> sources();

/// The source that a folder is of; Error that lists what was looked for where it is none.
std::string recognise_source(const std::filesystem::path& folder);

/// Writes `output`:
///
///   train.json, val.json, test.json   the universal format, those that the source has; or .jsonl
///   left-out.jsonl                    entries that on_error left out, with file, entry and reason
///   conversion.json                   source, options, counts, and which of these files are there
///   crops/, maps/                     windows and masks, where the source needs them
///
/// All of it appears whole and together, or not at all. `overwrite` replaces and removes what an earlier
/// conversion.json names, and nothing else; `output` is not `input`. Memory holds one entry, and some 100
/// bytes a pair for finding pairs that stand twice: their captions are put together, and decide anew whether
/// the pair is changed where the source says nothing of it. `done` is called with numbers of entries read.
/// Throws Error naming the file, the entry and the field.
ConvertSummary convert(const ConvertOptions& options, const std::function<void(int64_t)>& done = {},
                       std::stop_token stop = {});

}  // namespace ccexpert::datasets
