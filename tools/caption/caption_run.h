// Work of ccexpert-caption after its command line is parsed and its model loaded.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <stop_token>
#include <vector>

#include <ccexpert/captioner.h>

#include "caption/caption_options.h"
#include "caption/caption_report.h"
#include "caption/pair_loader.h"

namespace ccexpert::tools {

class Progress;

/// Interface of the model for a run.
using CaptionBatch = std::function<std::vector<Caption>(std::span<const ImagePair>, const CaptionOptions&)>;

/// Returns the pairs of a command. Throws Error for a list or folders that cannot be read.
std::vector<data::PairFiles> pairs_of(const CaptionCommand& command);

/// Returns the writer of results; `run` is the command's run_identity. Throws Error if the output file exists
/// and the command has neither --resume nor --overwrite, or if it has captions of another run.
data::PredictionWriter writer_of(const CaptionCommand& command, const std::string& run);

/// Captions the single pair of a command; with --stream its tokens go to `out` as they are generated, with a
/// line end. Throws Error if an image cannot be read.
data::Prediction caption_one(const CaptionCommand& command, const CaptionBatch& caption, std::stop_token stop,
                             std::ostream& out);

/// Interface of a conversation about one pair for a run: starts it, and asks a question.
using ConversationStart = std::function<std::function<Caption(const CaptionOptions&)>(const ImagePair&)>;

/// Asks each question of a command about its single pair and writes the answers to `out`, a line each; with
/// --stream their tokens as they are generated. A stop request ends the run before the next line. Throws
/// Error if an image cannot be read.
void answer_all(const CaptionCommand& command, const ConversationStart& start, const std::stop_token& stop,
                std::ostream& out);

struct RunSummary {
  int64_t captioned = 0;
  int64_t failed = 0;
  int64_t skipped = 0;  ///< already in the resumed output
  bool interrupted = false;
};

/// Destinations of captions.
struct RowSinks {
  data::PredictionWriter& writer;
  CaptionReport* report = nullptr;  ///< null: no page
};

/// Returns the model's options for a command.
CaptionOptions options_of(const CaptionCommand& command, std::stop_token stop);

/// Prints warnings and errors of the images of a batch.
void tell_problems(const PairLoader::Batch& batch, Progress& progress, bool quiet);

/// Returns captions of the readable pairs of a batch and errors of the others, in the batch's order, and
/// writes the files of their places.
std::vector<data::Prediction> predict(const PairLoader::Batch& batch, const CaptionBatch& caption,
                                      const CaptionOptions& options, const PlaceOptions& places);

/// Captions many pairs and writes one line for each, in order, batch by batch. An unreadable pair becomes a
/// line with an error. A stop request ends the run before the next batch is written.
RunSummary caption_many(const CaptionCommand& command, std::span<const data::PairFiles> pairs,
                        const CaptionBatch& caption, const RowSinks& sinks, const std::stop_token& stop);

}  // namespace ccexpert::tools
