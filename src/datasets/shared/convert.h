/// Conversion of published data sets and a user's own folders to the project's universal format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::datasets {

/// Handling of an entry with a missing field, image or caption.
enum class OnError {
  kError,  ///< throw Error; nothing is written
  kSkip,   ///< leave the entry out, count it and list it in left-out.jsonl
};
constexpr auto names_of(OnError) {
  return std::to_array<Name<OnError>>({{OnError::kError, "error"}, {OnError::kSkip, "skip"}});
}

enum class PathStyle {
  kRelative,  ///< relative to the output folder: both folders can be moved together
  kAbsolute,
};
constexpr auto names_of(PathStyle) {
  return std::to_array<Name<PathStyle>>(
      {{PathStyle::kRelative, "relative"}, {PathStyle::kAbsolute, "absolute"}});
}

enum class ListFormat {
  kJson,       ///< an array with one entry per line
  kJsonLines,  ///< one entry per line
};
constexpr auto names_of(ListFormat) {
  return std::to_array<Name<ListFormat>>({{ListFormat::kJson, "json"}, {ListFormat::kJsonLines, "jsonl"}});
}

enum class CaptionCleaning {
  kClean,  ///< the same form for all sources, see clean_caption
  kRaw,    ///< unchanged
};
constexpr auto names_of(CaptionCleaning) {
  return std::to_array<Name<CaptionCleaning>>(
      {{CaptionCleaning::kClean, "clean"}, {CaptionCleaning::kRaw, "raw"}});
}

/// Windows to cut from pairs whose changes are known only from a mask (paper IV-A1: pairs are cut by how
/// significant the change is).
struct CropOptions {
  bool enabled = true;  ///< false: whole pairs
  double target_share = 0.15, whole_share = 0.08, least_share = 5e-4;
  int64_t least_side = 128;
  int64_t most = 4;

  static constexpr auto fields() {
    using Self = CropOptions;
    return std::tuple{
        field("crop_target", &Self::target_share, "target share of a window filled by its change",
              in_range(0, 1)),
        field("crop_whole", &Self::whole_share, "changed share of the image from which no window is cut",
              in_range(0, 1)),
        field("crop_least", &Self::least_share, "ignore changes below this share of the image as noise",
              in_range(0, 1)),
        field("crop_side", &Self::least_side, "minimum side of a window", in_range(1, kUnlimited, "pixels")),
        field("crop_most", &Self::most, "maximum windows per pair", at_least(1))};
  }
};

struct ConvertOptions {
  std::string source = "auto";  ///< name of one of sources(), or "auto": recognised by its files
  std::filesystem::path input = {};
  std::filesystem::path output = {};
  std::string before_folder = {}, after_folder = {};  ///< of a user's images, within input (empty: found)
  std::filesystem::path captions_csv = {};            ///< of them: name and caption (empty: none)
  ListFormat format = ListFormat::kJson;
  PathStyle paths = PathStyle::kRelative;
  CaptionCleaning cleaning = CaptionCleaning::kClean;
  OnError on_error = OnError::kError;
  bool overwrite = false;
  /// Requires every image file to exist and to have its mask's size; reads only headers.
  bool check_images = true;
  CropOptions crops = {};
  uint64_t seed = 42;
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = ConvertOptions;
    return std::tuple{field("format", &Self::format, "format of the lists"),
                      field("paths", &Self::paths, "image paths: relative to --out, or absolute"),
                      field("captions", &Self::cleaning, "clean: one form for all sources; raw: unchanged"),
                      field("on_error", &Self::on_error,
                            "for bad entries: stop (error), or list them in left-out.jsonl (skip)"),
                      field("overwrite", &Self::overwrite, "replace lists of an earlier conversion"),
                      field("seed", &Self::seed, "seed for the wording of captions from masks"),
                      field("jobs", &Self::jobs, "threads that decode masks (0: one per core)", kThreads)};
  }

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
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
  int64_t merged = 0;                              ///< entries merged into an earlier entry of the same pair
  int64_t left_out = 0;                            ///< entries left out by on_error
  int64_t passed_over = 0;                         ///< entries of other tasks, and copies of test pairs
  int64_t blank_captions = 0;                      ///< captions without a word, dropped
  bool interrupted = false;                        ///< stop was requested; nothing was written
};

struct SourceInfo {
  std::string name;
  std::string title;   ///< name as its authors write it
  std::string layout;  ///< files by which it is recognised
};

/// Returns all sources, in the order in which `auto` tries them.
std::vector<SourceInfo> sources();

/// Returns the source of a folder; throws Error with the known sources if none matches.
std::string recognise_source(const std::filesystem::path& folder);

/// Writes `output`:
///   train.json, val.json, test.json   the source's splits in the universal format; or .jsonl
///   left-out.jsonl                    entries left out by on_error, with file, entry and reason
///   conversion.json                   source, options, counts and names of the written files
///   crops/, maps/                     windows and masks, if the source needs them
/// The output is written completely or not at all. `overwrite` replaces and removes only files that an
/// earlier conversion.json names; `output` must not be `input`. Memory use is one entry plus about 100 bytes
/// per pair to detect repeated pairs: their captions are merged, and without a flag from the source the
/// merged captions decide whether the pair is changed. Calls `done` with numbers of entries read. Throws
/// Error with the file, the entry and the field.
ConvertSummary convert(const ConvertOptions& options, const std::function<void(int64_t)>& done = {},
                       std::stop_token stop = {});

}  // namespace ccexpert::datasets
