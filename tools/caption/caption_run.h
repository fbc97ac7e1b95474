// What ccexpert-caption does once its command line is read and its model loaded.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <stop_token>
#include <vector>

#include <ccexpert/captioner.h>

#include "caption/caption_options.h"

namespace ccexpert::tools {

/// The model, as far as a run knows it.
using CaptionBatch = std::function<std::vector<Caption>(std::span<const ImagePair>, const CaptionOptions&)>;

/// The pairs a command names. Throws Error for a list or folders that cannot be read.
std::vector<data::PairFiles> pairs_of(const CaptionCommand& command);

/// Where results go; `run` is the command's run_identity. Throws Error if the output file is there already
/// and the command does not say what to do then, or if it has captions of another run.
data::PredictionWriter writer_of(const CaptionCommand& command, const std::string& run);

/// The result of the one pair a command names; its tokens go to `out` as they come where it streams, with a
/// line end. Throws Error where an image cannot be read.
data::Prediction caption_one(const CaptionCommand& command, const CaptionBatch& caption, std::stop_token stop,
                             std::ostream& out);

struct RunSummary {
  int64_t captioned = 0;
  int64_t failed = 0;
  int64_t skipped = 0;  ///< in the resumed output already
  bool interrupted = false;
};

/// Many pairs: a line for each to the writer, in order, batch by batch. A pair that cannot be read becomes a
/// line with an error. A requested stop ends the run before the next batch is written.
RunSummary caption_many(const CaptionCommand& command, std::span<const data::PairFiles> pairs,
                        const CaptionBatch& caption, data::PredictionWriter& writer,
                        const std::stop_token& stop);

}  // namespace ccexpert::tools
