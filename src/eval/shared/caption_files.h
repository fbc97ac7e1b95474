/// Readers of prediction and reference files, and their alignment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/eval/captioned_pair.h>

namespace ccexpert::eval {

/// Change of a pair, as the lines of ccexpert-caption have it.
struct ChangeRow {
  double score = 0.0;  ///< change_score
  double raw = 0.0;    ///< change_raw
  /// change_map: values of a square grid of patches, as in ccexpert/image/change_map.h; 0: there is none.
  int64_t grid = 0;
  std::vector<float> values = {};
  double covered = 1.0;
  bool padded = false;
};

/// Entry of a file: a prediction, references, or both.
struct CaptionEntry {
  std::string uid;
  std::vector<std::string> aliases = {};       ///< other names of the pair: file name, number
  std::optional<std::string> prediction = {};  ///< nothing if the entry has only references, or failed
  std::vector<std::string> references = {};
  std::optional<bool> changed = {};
  std::filesystem::path before = {};  ///< empty if the file does not give it
  std::filesystem::path after = {};
  std::string split = {};  ///< empty if the file has none
  size_t merged = 0;       ///< number of further entries of this uid whose references were added
  std::optional<ChangeRow> change = {};
  std::optional<bool> unsure = {};
  std::filesystem::path mask = {};  ///< mask_path; empty if the file does not give it
};

/// Reads predictions, a JSON array or JSON Lines of objects with
///   uid (or image_id)                      a string or a number; default: `before` (or img1_path); both
///                                          without folder and extension are aliases
///   pred (or caption, or prediction)       the caption; missing in entries with `error` of ccexpert-caption
///   change_caption (or references)         optional: a string or a list of strings
///   change_flag                            optional: 0, 1, true or false
///   before, after (or img1_path, img2_path)   optional, for the report
///   change_score, change_raw, change_map, unsure   optional: places of changes by ccexpert-caption
/// or one object {"id": "caption"} (or ["caption"], [{"caption": "..."}]), as in pycocoevalcap. This covers
/// the authors' evaluation files, ccexpert-caption's JSON Lines and COCO results. Relative image paths start
/// at `image_root`, or at the file's folder if that is empty. Throws Error with the file, the line (or the
/// entry) and the key.
std::vector<CaptionEntry> read_predictions(const std::filesystem::path& file,
                                           const std::filesystem::path& image_root = {});

/// Parses predictions from memory; `file` starts error messages.
std::vector<CaptionEntry> parse_predictions(std::string_view text, const std::filesystem::path& file,
                                            const std::filesystem::path& image_root = {});

/// Reads references. The format is recognised by content: the universal format (uid, change_caption,
/// change_flag as above) and equivalent lists with other keys (COCO results, RSCC, ChangeChat,
/// Image-Editing-Request, Spot-the-Diff); LEVIR-CC's {"images": [{filename, imgid, split, changeflag,
/// sentences: [{raw}]}]}; COCO's {"images": [{id, file_name}], "annotations": [{image_id, caption}]};
/// CLEVR-Change's {"NAME.png": [captions]}, with a splits.json in the same folder; pycocoevalcap's {"id":
/// [captions]}. Entries with the same uid are merged into one with all their references. From a file with
/// splits, reads the pairs of `split` ("all": every split; a name used in two splits becomes "split/name").
/// Throws Error as above, and for a split that the file lacks.
std::vector<CaptionEntry> read_references(const std::filesystem::path& file,
                                          const std::string& split = "test",
                                          const std::filesystem::path& image_root = {});

/// Parses references from memory; `file` starts error messages, and a splits.json is read from its folder.
std::vector<CaptionEntry> parse_references(std::string_view text, const std::filesystem::path& file,
                                           const std::string& split = "test",
                                           const std::filesystem::path& image_root = {});

/// Counting of predictions that repeat a uid, as the padding of a distributed sampler does.
enum class Repeats {
  kOnce,  ///< only the first counts, as in the authors' evaluation during training
  kEach,  ///< each counts as a separate pair, as in the authors' evaluation script
};
constexpr auto names_of(Repeats) {
  return std::to_array<Name<Repeats>>({{Repeats::kOnce, "once"}, {Repeats::kEach, "each"}});
}

/// Scored samples, and uids that could not be scored.
struct EvaluationSet {
  std::vector<CaptionedPair> samples;
  std::vector<std::filesystem::path> before;  ///< one per sample; may be empty
  std::vector<std::filesystem::path> after;
  std::vector<std::optional<ChangeRow>> changes;  ///< one per sample
  std::vector<std::optional<bool>> unsure;        ///< one per sample
  std::vector<std::filesystem::path> masks;       ///< one per sample; may be empty
  std::vector<std::string> missing;               ///< uids with references but no prediction
  std::vector<std::string> extra;                 ///< uids with a prediction but no references
  size_t repeated = 0;                            ///< predictions that repeat an earlier uid
  size_t contradicted = 0;  ///< repeated predictions with a different caption; 0 with Repeats::kEach
  size_t merged = 0;        ///< entries whose references were added to an earlier entry
};

/// Matches predictions to references, in the order of the references. A prediction belongs to the pair of its
/// uid, else to the pair of one of its aliases if no other prediction belongs to that pair. If `references`
/// is empty, uses the references of the predictions themselves. Pairs without a change flag count as
/// unchanged if all their references are among `unchanged_sentences`, else as changed; if no such pair is
/// unchanged, they stay unknown. With Repeats::kEach, samples repeat their uid. Throws Error if nothing can
/// be scored.
EvaluationSet evaluation_set(const std::vector<CaptionEntry>& predictions,
                             const std::vector<CaptionEntry>& references,
                             const std::vector<std::string>& unchanged_sentences,
                             Repeats repeats = Repeats::kOnce);

}  // namespace ccexpert::eval
