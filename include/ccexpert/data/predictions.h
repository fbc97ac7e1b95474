/// Files of captions: written so that a killed run leaves whole lines, and a later one goes on from there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/data/pairs.h>

namespace ccexpert::data {

/// What became of one pair: a caption, or the reason why there is none.
struct Prediction {
  PairFiles pair;
  std::string caption;
  std::vector<int64_t> token_ids;  ///< as generated, the end token included
  double logprob = 0.0;            ///< sum of the log-probabilities of `token_ids`
  std::string finish;              ///< "end_token" or "length"
  std::string error;               ///< empty where there is a caption
};

enum class PredictionFormat {
  kText,       ///< uid, tab, caption
  kJsonLines,  ///< one object a line: uid, before, after, caption, token_ids, logprob, finish, run; or
               ///< uid, before, after, error
  kCsv,        ///< a header line and the same columns; token ids apart by blanks
};

/// "text", "jsonl" or "csv"; Error for others.
PredictionFormat prediction_format(std::string_view name);

/// What to do with an output file that is already there.
enum class ExistingOutput { kRefuse, kOverwrite, kResume };

/// Writes predictions to a file, or to standard output. `run` names what captions depend on beside their pair
/// (model, question, options): JSON Lines and CSV have it with every caption, if it is not empty.
class PredictionWriter {
 public:
  /// Standard output.
  explicit PredictionWriter(PredictionFormat format, std::string run = {});

  /// A file. To resume, what a killed run may have left half-written and lines with an error are taken out of
  /// it (they are to be tried again); the rest stays. Throws Error if the file exists and `existing` refuses,
  /// another process is writing it, it is of another format, its text format has no uids to resume by, or one
  /// of its captions is of another run than `run`.
  PredictionWriter(const std::filesystem::path& path, PredictionFormat format, ExistingOutput existing,
                   std::string run = {});

  PredictionWriter(PredictionWriter&&) noexcept;
  PredictionWriter& operator=(PredictionWriter&&) noexcept;
  /// Removes the file again where it was not there before and nothing was written.
  ~PredictionWriter();

  /// Whether the resumed file has a caption for this uid, however its format had to write it.
  bool has_caption_of(const std::string& uid) const;

  /// Captions of the resumed file that do not name their run.
  int64_t captions_without_run() const;

  /// Appends whole lines with one write. Throws Error naming the file where the system refuses.
  void write(std::span<const Prediction> predictions);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::data
