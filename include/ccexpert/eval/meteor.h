/// METEOR 1.5 (Denkowski and Lavie, 2014) for English, equal to "-l en -norm" of the original: exact words,
/// stems, synonyms and paraphrases, with the weights of the rank task.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// Memory-mapped index of WordNet's synonyms, paraphrases and function words.
class MeteorData {
 public:
  /// Opens the index of the files in `folder`: synonym/english.synsets and english.exceptions,
  /// function/english.words, nonbreaking/english.prefixes, paraphrase-en.gz. The index is built once in the
  /// user's cache, and rebuilt if the files have changed or the index is damaged; `building` is called before
  /// a build. Throws Error with the file that is missing or not METEOR 1.5's, and with the way to get it. A
  /// folder with other tables must contain an empty file own-tables.
  static std::shared_ptr<const MeteorData> open(const std::filesystem::path& folder,
                                                const std::function<void()>& building = {});

  /// Returns the folder where scripts/setup.sh installs the files: $CCEXPERT_METEOR_DATA, or
  /// ccexpert/meteor-1.5 in the user's cache.
  static std::filesystem::path default_folder();

  virtual ~MeteorData() = default;
  MeteorData(const MeteorData&) = delete;
  MeteorData& operator=(const MeteorData&) = delete;

 protected:
  MeteorData() = default;
};

/// Returns the METEOR metric. The corpus value uses the sums of matches over all pairs, each with its
/// best-scoring reference.
std::unique_ptr<Metric> make_meteor(std::shared_ptr<const MeteorData> data);

/// Two spans of words that METEOR treats as equivalent.
struct MeteorMatch {
  enum class Kind { kExact, kStem, kSynonym, kParaphrase };  ///< Kind of match, best first
  size_t prediction_start, prediction_words;                 ///< words of the prediction
  size_t reference_start, reference_words;                   ///< words of the reference
  Kind kind;                                                 ///< why the words match
};

/// METEOR's alignment of a prediction with one reference.
struct MeteorAlignment {
  std::vector<std::string> prediction;  ///< words as METEOR splits them
  std::vector<std::string> reference;   ///< tokens of the reference
  std::vector<MeteorMatch> matches;     ///< in the order of the reference
  double score = 0.0;                   ///< METEOR of this reference
};

/// Aligner of tokenized texts. Not thread-safe.
class MeteorAligner {
 public:
  explicit MeteorAligner(std::shared_ptr<const MeteorData> data);  ///< Takes the tables
  ~MeteorAligner();
  MeteorAlignment align(const std::string& prediction, const std::string& reference);  ///< Aligns two texts

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::eval
