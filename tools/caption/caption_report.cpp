#include "caption/caption_report.h"

#include <fmt/format.h>

#include "core/rounded.h"
#include "eval/shared/unchanged.h"

namespace ccexpert::tools {
namespace {

using data::Prediction;

std::string input_of(const CaptionCommand& command) {
  if (command.single_pair()) return command.images[0].string() + " and " + command.images[1].string();
  if (!command.series.empty()) return command.series.string();
  if (!command.pairs.empty()) return command.pairs.string();
  return command.before_folder.string() + " and " + command.after_folder.string();
}

page::ReportHead head_of(const CaptionCommand& command) {
  const auto input = input_of(command);
  const auto model = (command.model / "").lexically_normal().parent_path().filename();
  auto lead = fmt::format("Captions of ccexpert-caption with the model {}", model.string());
  if (!command.prompt.empty()) lead += fmt::format("; question: {}", command.prompt);
  return {.title = "Changes in " + (input == "-" ? "standard input" : input), .lead = lead};
}

page::SeriesKind kind_of(data::SeriesKind kind) {
  switch (kind) {
    case data::SeriesKind::kAround:
      return page::SeriesKind::kAround;
    case data::SeriesKind::kSpan:
      return page::SeriesKind::kSpan;
    case data::SeriesKind::kStep:
      break;
  }
  return page::SeriesKind::kStep;
}

/// Returns the values as a line of JSON holds them: a page of resumed captions has the same ones.
page::Heatmap heatmap_of(image::ChangeMap map) {
  for (auto& value : map.values) value = static_cast<float>(rounded(static_cast<double>(value), 1e3));
  map.covered = rounded(map.covered, 1e6);
  return map;
}

void add_places(page::ReportEntry& entry, const data::PredictedPlaces& places) {
  if (places.change) {
    entry.score = rounded(places.change->score, 1e6);
    entry.map = heatmap_of(places.change->map);
  }
  for (const auto& word : places.words) entry.words.push_back({word.word, heatmap_of(word.map)});
  entry.unsure = places.unsure.value_or(false);
}

std::string note_of(const Prediction& prediction) {
  std::string note;
  if (prediction.pair.uid != prediction.pair.before.filename())
    note = fmt::format("{}, {}", prediction.pair.before.string(), prediction.pair.after.string());
  if (!prediction.warning.empty()) note += (note.empty() ? "" : "; ") + prediction.warning;
  return note;
}

}  // namespace

std::optional<bool> says_changed(const Prediction& prediction) {
  if (!prediction.error.empty()) return std::nullopt;
  return !eval::says_unchanged(prediction.caption);
}

CaptionReport::CaptionReport(const CaptionCommand& command, std::span<const data::PairFiles> pairs)
    : writer_(command.report, head_of(command)), shares_images_(!command.series.empty()) {
  for (const auto& pair : pairs) order_.emplace(pair.uid, static_cast<int64_t>(order_.size()));
}

std::optional<int64_t> CaptionReport::image_of(const std::filesystem::path& path, const image::Image& image) {
  if (image.pixels.empty()) return std::nullopt;
  if (!shares_images_) return writer_.add_image(image);
  const auto known = images_.find(path.string());
  if (known != images_.end()) return known->second;
  return images_.emplace(path.string(), writer_.add_image(image)).first->second;
}

void CaptionReport::add(const Prediction& prediction, const LoadedPair& images) {
  const auto order = order_.find(prediction.pair.uid);
  page::ReportEntry entry{.uid = prediction.pair.uid,
                          .order = order == order_.end() ? 0 : order->second,
                          .before = image_of(prediction.pair.before, images.before),
                          .after = image_of(prediction.pair.after, images.after),
                          .caption = prediction.caption,
                          .logprob = {},
                          .score = {},
                          .changed = says_changed(prediction),
                          .error = prediction.error,
                          .note = note_of(prediction)};
  if (prediction.error.empty()) entry.logprob = prediction.logprob;
  add_places(entry, prediction.places);
  if (const auto& series = prediction.series) {
    entry.series = {.place = series->place,
                    .from = series->from,
                    .to = series->to,
                    .kind = kind_of(series->kind),
                    .transient = series->transient.value_or(false)};
  }
  writer_.add(entry);
}

void CaptionReport::add_resumed(const Prediction& prediction) {
  add(prediction, load_pair(prediction.pair));
}

}  // namespace ccexpert::tools
