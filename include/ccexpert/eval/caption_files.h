/// Files of predictions and of references, and what of them belongs together.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/eval/sample.h>

namespace ccexpert::eval {

/// One entry of a file: a prediction, references, or both.
struct CaptionEntry {
  std::string uid;
  std::vector<std::string> aliases = {};       ///< other names it may be called by: file name, number
  std::optional<std::string> prediction = {};  ///< nothing where it is only of references, or failed
  std::vector<std::string> references = {};
  std::optional<bool> changed = {};
  std::filesystem::path before = {};  ///< empty where the file does not say
  std::filesystem::path after = {};
  std::string split = {};  ///< empty where the file has none
  size_t merged = 0;       ///< further entries of this uid whose references were added
};

/// Reads predictions, a JSON array or JSON Lines of objects with
///
///   uid (or image_id)                      a text or a number; else `before` (or img1_path); names of these
///                                          two without folder and extension are aliases
///   pred (or caption, or prediction)       the caption; an entry of ccexpert-caption with `error` has none
///   change_caption (or references)         optional: a text or a list of them
///   change_flag                            optional: 0, 1, true or false
///   before, after (or img1_path, img2_path)   optional, for the report
///
/// or one object {"id": "caption"} (or ["caption"], [{"caption": "..."}]), as pycocoevalcap takes it. So the
/// authors' evaluation files, ccexpert-caption's JSON Lines and COCO results all work. Relative image
/// paths start at `image_root`, or at the file's folder where that is empty. Throws Error naming the file,
/// the line (or the entry) and the key.
std::vector<CaptionEntry> read_predictions(const std::filesystem::path& file,
                                           const std::filesystem::path& image_root = {});

/// The same from memory; `file` begins messages.
std::vector<CaptionEntry> parse_predictions(std::string_view text, const std::filesystem::path& file,
                                            const std::filesystem::path& image_root = {});

/// Reads references. Recognised by content: the universal format (uid, change_caption, change_flag as above)
/// and lists that say the same in other words (COCO results, RSCC, ChangeChat, Image-Editing-Request,
/// Spot-the-Diff); LEVIR-CC's {"images": [{filename, imgid, split, changeflag, sentences: [{raw}]}]}; COCO's
/// {"images": [{id, file_name}], "annotations": [{image_id, caption}]}; CLEVR-Change's {"NAME.png":
/// [captions]}, with a splits.json beside it; pycocoevalcap's {"id": [captions]}. Entries of one uid are one,
/// with the references of all of them. Of a file with splits, the pairs of `split` are taken ("all": of every
/// one; a name that stands in two is then "split/name"). Throws Error as above, and for a split that the file
/// has not.
std::vector<CaptionEntry> read_references(const std::filesystem::path& file,
                                          const std::string& split = "test",
                                          const std::filesystem::path& image_root = {});

/// The same from memory; `file` begins messages, and a splits.json is looked for beside it.
std::vector<CaptionEntry> parse_references(std::string_view text, const std::filesystem::path& file,
                                           const std::string& split = "test",
                                           const std::filesystem::path& image_root = {});

/// How predictions count that repeat a uid, as the padding of a distributed sampler does.
enum class Repeats {
  kOnce,  ///< the first counts, as in the authors' evaluation while training
  kEach,  ///< each counts as a pair of its own, as in the authors' evaluation script
};

/// What is scored, and what could not be.
struct EvaluationSet {
  std::vector<Sample> samples;
  std::vector<std::filesystem::path> before;  ///< of each sample; may be empty
  std::vector<std::filesystem::path> after;
  std::vector<std::string> missing;  ///< uids with references and no prediction
  std::vector<std::string> extra;    ///< uids with a prediction and no references
  size_t repeated = 0;               ///< predictions that repeat an earlier uid
  size_t contradicted = 0;           ///< those among them that say something else; 0 with Repeats::kEach
  size_t merged = 0;                 ///< entries whose references were added to those of an earlier one
};

/// Lays predictions over references, in the order of the references. A prediction belongs to the pair of its
/// uid, else to the one of an alias where no other prediction does. Without `references` (empty), those of
/// the predictions themselves are taken. A pair whose references do not say whether it changed is taken for
/// unchanged where all of them are among `unchanged_sentences`, if the set has any such pair at all. With
/// Repeats::kEach, samples repeat their uid. Throws Error where nothing can be scored.
EvaluationSet evaluation_set(const std::vector<CaptionEntry>& predictions,
                             const std::vector<CaptionEntry>& references,
                             const std::vector<std::string>& unchanged_sentences,
                             Repeats repeats = Repeats::kOnce);

}  // namespace ccexpert::eval
