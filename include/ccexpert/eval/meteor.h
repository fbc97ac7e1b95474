/// METEOR 1.5 (Denkowski and Lavie, 2014) for English, as "-l en -norm" of the original: exact words, stems,
/// synonyms and paraphrases, the weights of the rank task.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// WordNet's synonyms, paraphrases and function words, as an index that is mapped into memory.
class MeteorData {
 public:
  /// The index of the files in `folder`: synonym/english.synsets and english.exceptions,
  /// function/english.words, nonbreaking/english.prefixes, paraphrase-en.gz. It is built once, into the
  /// user's cache, and again where the files have changed or the index is damaged; `building` is called
  /// before that. Throws Error that names what is missing, or is not METEOR 1.5's, and says how to get it. A
  /// folder with other tables holds an empty file own-tables.
  static std::shared_ptr<const MeteorData> open(const std::filesystem::path& folder,
                                                const std::function<void()>& building = {});

  /// Where scripts/setup.sh puts the files: $CCEXPERT_METEOR_DATA, or ccexpert/meteor-1.5 in the user's
  /// cache.
  static std::filesystem::path default_folder();

  virtual ~MeteorData() = default;
  MeteorData(const MeteorData&) = delete;
  MeteorData& operator=(const MeteorData&) = delete;

 protected:
  MeteorData() = default;
};

/// The corpus value is of the sums of matches over all pairs, each with the reference that scores best.
std::unique_ptr<Metric> make_meteor(std::shared_ptr<const MeteorData> data);

/// Two stretches of words that METEOR takes to mean the same.
struct MeteorMatch {
  enum class Kind { kExact, kStem, kSynonym, kParaphrase };
  size_t prediction_start, prediction_words;
  size_t reference_start, reference_words;
  Kind kind;
};

/// How METEOR lays a prediction over one reference.
struct MeteorAlignment {
  std::vector<std::string> prediction;  ///< words as METEOR splits them
  std::vector<std::string> reference;
  std::vector<MeteorMatch> matches;  ///< in the order of the reference
  double score = 0.0;
};

/// Texts are tokenized. Not to be called from two threads at once.
class MeteorAligner {
 public:
  explicit MeteorAligner(std::shared_ptr<const MeteorData> data);
  ~MeteorAligner();
  MeteorAlignment align(const std::string& prediction, const std::string& reference);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::eval
