#include "caption/caption_run.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "caption/pair_loader.h"
#include "caption/place_files.h"
#include "common/progress.h"
#include "common/standard_streams.h"
#include "core/one_line.h"

namespace ccexpert::tools {
namespace {

using data::PairFiles;
using data::Prediction;

}  // namespace

CaptionOptions options_of(const CaptionCommand& command, std::stop_token stop) {
  return {.generation = command.generation,
          .question = command.prompt,
          .on_token = {},
          .stop = std::move(stop),
          .draft_tokens = command.draft_tokens,
          .keep_tokens = command.keep_tokens,
          .locate = command.places.need_map(),
          .words = command.places.words,
          .check_swap = command.places.check_swap};
}

namespace {

std::string size_warning(const PairFiles& pair, const LoadedPair& images) {
  if (images.before.height == images.after.height && images.before.width == images.after.width) return {};
  return fmt::format(
      "{}: the images differ in size ({}x{} and {}x{} px); both are resized, do they show the same ground?",
      pair.uid, images.before.width, images.before.height, images.after.width, images.after.height);
}

std::string finish_name(FinishReason finish) {
  return finish == FinishReason::kEndToken ? "end_token" : "length";
}

Prediction prediction_of(const PairFiles& pair, const LoadedPair& images, const Caption& caption,
                         const PlaceOptions& places) {
  return {.pair = pair,
          .caption = caption.text,
          .token_ids = caption.token_ids,
          .logprob = caption.logprob,
          .finish = finish_name(caption.finish),
          .error = {},
          .warning = images.warning,
          .places = places_of(places, caption, images.after.view())};
}

Prediction failure_of(const PairFiles& pair, const std::string& error) {
  return {.pair = pair,
          .caption = {},
          .token_ids = {},
          .logprob = 0.0,
          .finish = {},
          .error = error,
          .warning = {},
          .places = {}};
}

}  // namespace

std::vector<Prediction> predict(const PairLoader::Batch& batch, const CaptionBatch& caption,
                                const CaptionOptions& options, const PlaceOptions& places) {
  std::vector<ImagePair> readable;
  for (const auto& images : batch.images) {
    if (images.error.empty()) readable.push_back({images.before.view(), images.after.view()});
  }
  const auto captions = caption(readable, options);
  std::vector<Prediction> predictions;
  auto next = captions.begin();
  for (size_t i = 0; i < batch.images.size(); ++i) {
    const auto& images = batch.images[i];
    if (!images.error.empty()) {
      predictions.push_back(failure_of(batch.files[i], images.error));
      continue;
    }
    write_place_files(places, {batch.files[i].uid, images.after.view()}, *next);
    predictions.push_back(prediction_of(batch.files[i], images, *next++, places));
  }
  return predictions;
}

void tell_problems(const PairLoader::Batch& batch, Progress& progress, bool quiet) {
  for (size_t i = 0; i < batch.images.size(); ++i) {
    const auto& images = batch.images[i];
    if (!images.warning.empty()) progress.note("warning: " + images.warning);
    if (!images.error.empty()) {
      progress.note(fmt::format("{}: {}", batch.files[i].uid, images.error));
    } else if (const auto warning = size_warning(batch.files[i], images); !warning.empty() && !quiet) {
      progress.note("warning: " + warning);
    }
  }
}

namespace {

LoadedPair load_single(const PairFiles& pair) {
  auto images = load_pair(pair);
  if (!images.error.empty()) throw Error(images.error);
  // The log drops warnings with --quiet. A damaged image is told of all the same.
  if (!images.warning.empty()) print_note("ccexpert warning: " + images.warning);
  if (const auto warning = size_warning(pair, images); !warning.empty()) log::warning(warning);
  return images;
}

/// Returns the options for a single pair, whose tokens go to `out` with --stream.
CaptionOptions single_options(const CaptionCommand& command, std::stop_token stop, std::ostream& out) {
  auto options = options_of(command, std::move(stop));
  if (command.stream) {
    options.on_token = [&out](const TokenEvent& event) {
      out << event.text << std::flush;
      return true;
    };
  }
  return options;
}

/// Ends the line of streamed tokens, also after a stop or an error.
struct LineEnd {
  std::ostream* out;
  ~LineEnd() {
    if (out != nullptr) *out << '\n' << std::flush;
  }
};

}  // namespace

data::PredictionWriter writer_of(const CaptionCommand& command, const std::string& run) {
  using data::ExistingOutput;
  const auto format = command.format;
  if (command.output.empty()) return data::PredictionWriter(format, run);
  auto existing = ExistingOutput::kRefuse;
  if (command.resume) existing = ExistingOutput::kResume;
  if (command.overwrite) existing = ExistingOutput::kOverwrite;
  data::PredictionWriter writer(command.output, format, existing, run);
  if (const auto count = writer.captions_without_run(); count > 0) {
    log::warning(fmt::format("{}: {} captions do not record their model, question and options",
                             command.output.string(), count));
  }
  return writer;
}

std::vector<PairFiles> pairs_of(const CaptionCommand& command) {
  if (command.single_pair()) {
    return {{command.images[0].string(), command.images[0], command.images[1]}};
  }
  if (!command.pairs.empty()) return data::read_pair_list(command.pairs, command.image_root);
  auto folders = data::pair_folders(command.before_folder, command.after_folder);
  if (!folders.unmatched.empty()) {
    log::warning(fmt::format("{} images have no counterpart and are left out; the first is {}",
                             folders.unmatched.size(), folders.unmatched.front().string()));
  }
  return std::move(folders.pairs);
}

Prediction caption_one(const CaptionCommand& command, const CaptionBatch& caption, std::stop_token stop,
                       std::ostream& out) {
  const auto pair = pairs_of(command).front();
  const auto images = load_single(pair);
  prepare_place_files(command.places, {&pair, 1});
  const auto options = single_options(command, std::move(stop), out);
  const ImagePair views{images.before.view(), images.after.view()};
  const LineEnd line_end{command.stream ? &out : nullptr};
  const auto said = caption({&views, 1}, options).front();
  // The uid of a single pair is a path: its files have the name of its later image.
  write_place_files(command.places, {pair.after.filename().string(), views.after}, said);
  return prediction_of(pair, images, said, command.places);
}

void answer_all(const CaptionCommand& command, const ConversationStart& start, const std::stop_token& stop,
                std::ostream& out) {
  const auto images = load_single(pairs_of(command).front());
  const auto ask = start({images.before.view(), images.after.view()});
  auto options = single_options(command, stop, out);
  for (const auto& prompt : command.prompts) {
    if (stop.stop_requested()) return;
    options.question = prompt;
    const LineEnd line_end{command.stream ? &out : nullptr};
    const auto answer = ask(options);
    if (!command.stream && !stop.stop_requested()) out << on_one_line(answer.text) << '\n' << std::flush;
  }
}

RunSummary caption_many(const CaptionCommand& command, std::span<const PairFiles> pairs,
                        const CaptionBatch& caption, const RowSinks& sinks, const std::stop_token& stop) {
  std::vector<PairFiles> left;
  std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(left),
               [&](const PairFiles& pair) { return !sinks.writer.has_caption_of(pair.uid); });
  prepare_place_files(command.places, pairs);
  RunSummary summary{.skipped = static_cast<int64_t>(pairs.size() - left.size())};
  Progress progress(static_cast<int64_t>(left.size()), "pairs",
                    command.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
  if (summary.skipped > 0 && !command.quiet)
    progress.note(fmt::format("{} pairs are already captioned", summary.skipped));
  const auto options = options_of(command, stop);
  PairLoader loader(left, {static_cast<size_t>(command.batch_size), command.captioner.threads});
  for (auto batch = loader.next(); !batch.files.empty(); batch = loader.next()) {
    tell_problems(batch, progress, command.quiet);
    const auto predictions = predict(batch, caption, options, command.places);
    // A caption truncated by a stop is not the model's caption.
    if (stop.stop_requested()) break;
    sinks.writer.write(predictions);
    for (size_t i = 0; sinks.report != nullptr && i < predictions.size(); ++i)
      sinks.report->add(predictions[i], batch.images[i]);
    const auto failed = std::count_if(predictions.begin(), predictions.end(),
                                      [](const Prediction& prediction) { return !prediction.error.empty(); });
    summary.failed += failed;
    summary.captioned += static_cast<int64_t>(predictions.size()) - failed;
    progress.add(static_cast<int64_t>(predictions.size()));
  }
  summary.interrupted = stop.stop_requested();
  return summary;
}

}  // namespace ccexpert::tools
