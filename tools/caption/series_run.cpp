#include "caption/series_run.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

#include "caption/place_files.h"
#include "common/progress.h"

namespace ccexpert::tools {
namespace {

using data::Place;
using data::Prediction;
using data::SeriesKind;
using data::SeriesPart;

/// Captioned pair with its decoded images, or only the caption if it comes from a resumed output.
struct Row {
  Prediction prediction;
  LoadedPair images = {};
  bool resumed = false;
};

/// Pair of a place by the indices of its dates.
struct DatePair {
  size_t place, from, to;
  SeriesKind kind;
};

data::PairFiles files_of(const Place& place, const DatePair& pair) {
  const auto &before = place.dates[pair.from], &after = place.dates[pair.to];
  const char* mark = pair.kind == SeriesKind::kStep   ? ""
                     : pair.kind == SeriesKind::kSpan ? " (first and last)"
                                                      : " (around)";
  return {.uid = fmt::format("{}: {} - {}{}", place.name, before.date, after.date, mark),
          .before = before.image,
          .after = after.image};
}

/// Pairs that belong to the step into date `date` of a place, in the order of rows.
std::vector<DatePair> pairs_of_date(size_t number, const Place& place, size_t date) {
  const size_t last = place.dates.size() - 1;
  std::vector<DatePair> pairs{{number, date - 1, date, SeriesKind::kStep}};
  if (date < last) pairs.push_back({number, date - 1, date + 1, SeriesKind::kAround});
  if (date == last && last > 1) pairs.push_back({number, 0, last, SeriesKind::kSpan});
  return pairs;
}

class SeriesRun {
 public:
  SeriesRun(const CaptionCommand& command, const std::vector<Place>& places, const CaptionBatch& caption,
            const RowSinks& sinks, std::stop_token stop)
      : command_(command),
        places_(places),
        caption_(caption),
        sinks_(sinks),
        stop_(std::move(stop)),
        progress_(static_cast<int64_t>(planned_pairs(places)), "pairs",
                  command.quiet ? ProgressStyle::kNone : progress_style_of_stderr()) {
    read_known();
  }

  RunSummary run() {
    const auto batch = static_cast<size_t>(command_.batch_size);
    std::vector<DatePair> steps;
    for (size_t place = 0; place < places_.size(); ++place) {
      for (size_t date = 1; date < places_[place].dates.size(); ++date) {
        steps.push_back({place, date - 1, date, SeriesKind::kStep});
        if (steps.size() == batch && !finish_batch(std::exchange(steps, {}))) return summary_;
      }
    }
    finish_batch(steps);
    return summary_;
  }

 private:
  /// Reads the captions of a resumed output.
  void read_known() {
    if (!command_.resume) return;
    const auto all = all_pairs(places_);
    data::visit_captions(command_.output, command_.format, all,
                         [&](const Prediction& known) { known_.emplace(known.pair.uid, known); });
    summary_.skipped = static_cast<int64_t>(known_.size());
    if (summary_.skipped > 0 && !command_.quiet)
      progress_.note(fmt::format("{} pairs are already captioned", summary_.skipped));
  }

  /// Captions steps, and the pairs that depend on them, and writes the rows that are complete. Returns false
  /// after a stop.
  bool finish_batch(const std::vector<DatePair>& steps) {
    if (!caption_pairs(steps)) return false;
    std::vector<DatePair> further;
    for (const auto& step : steps) {
      const size_t last = places_[step.place].dates.size() - 1;
      if (is_examined(step.place, step.from))
        further.push_back({step.place, step.from - 1, step.to, SeriesKind::kAround});
      if (step.to == last && last > 1) further.push_back({step.place, 0, last, SeriesKind::kSpan});
    }
    if (!caption_pairs(further)) return false;
    write_rows(steps);
    return true;
  }

  /// Captions the pairs without a caption, a batch at a time. Returns false after a stop.
  bool caption_pairs(const std::vector<DatePair>& pairs) {
    std::vector<data::PairFiles> files;
    std::vector<DatePair> left;
    for (const auto& pair : pairs) {
      auto each = files_of(places_[pair.place], pair);
      if (const auto known = known_.find(each.uid); known != known_.end()) {
        rows_[key_of(pair)] = {.prediction = known->second, .images = {}, .resumed = true};
        if (pair.kind != SeriesKind::kAround) progress_.add(1);
      } else {
        files.push_back(std::move(each));
        left.push_back(pair);
      }
    }
    PairLoader loader(files, {static_cast<size_t>(command_.batch_size), command_.captioner.threads});
    size_t done = 0;
    for (auto batch = loader.next(); !batch.files.empty(); batch = loader.next()) {
      tell_problems(batch, progress_, command_.quiet);
      auto predictions = predict(batch, caption_, options_of(command_, stop_), command_.places);
      summary_.interrupted = stop_.stop_requested();
      if (summary_.interrupted) return false;
      for (size_t i = 0; i < predictions.size(); ++i, ++done)
        keep(left[done], std::move(predictions[i]), batch.images[i]);
    }
    return true;
  }

  void keep(const DatePair& pair, Prediction prediction, LoadedPair& images) {
    const auto& dates = places_[pair.place].dates;
    prediction.series = SeriesPart{.place = places_[pair.place].name,
                                   .from = dates[pair.from].date,
                                   .to = dates[pair.to].date,
                                   .kind = pair.kind,
                                   .changed = says_changed(prediction)};
    ++(prediction.error.empty() ? summary_.captioned : summary_.failed);
    if (pair.kind != SeriesKind::kAround) progress_.add(1);
    rows_[key_of(pair)] = {.prediction = std::move(prediction), .images = std::move(images)};
  }

  using Key = std::tuple<size_t, size_t, int>;  // place, date whose step it follows, order there

  static Key key_of(const DatePair& pair) {
    const size_t date = pair.kind == SeriesKind::kAround ? pair.to - 1 : pair.to;
    return {pair.place, date, static_cast<int>(pair.kind)};
  }

  /// Returns what a row says about a change; nullopt if it failed, or is not there.
  std::optional<bool> changed(const Key& key) const {
    const auto row = rows_.find(key);
    return row == rows_.end() ? std::nullopt : says_changed(row->second.prediction);
  }
  std::optional<bool> step_changed(size_t place, size_t date) const {
    return changed({place, date, static_cast<int>(SeriesKind::kStep)});
  }

  /// True if both steps of a date are known to tell of a change.
  bool is_examined(size_t place, size_t date) const {
    return date > 0 && step_changed(place, date).value_or(false) &&
           step_changed(place, date + 1).value_or(false);
  }

  /// True if the change of a date comes and goes in it; nullopt if that is unknown, since a pair failed.
  std::optional<bool> vanishes(size_t place, size_t date) const {
    if (date == 0 || date + 1 == places_[place].dates.size()) return false;
    const auto in = step_changed(place, date), out = step_changed(place, date + 1);
    if (in == false || out == false) return false;
    const auto around = changed({place, date, static_cast<int>(SeriesKind::kAround)});
    return around ? std::optional(!*around) : std::nullopt;
  }

  /// Marks the rows of a date.
  void mark(const Key& key, Row& row) const {
    auto& part = row.prediction.series;
    const auto [place, date, kind] = key;
    if (!part || kind == static_cast<int>(SeriesKind::kSpan) || !row.prediction.error.empty()) return;
    const auto here = vanishes(place, date);
    const bool is_step = kind == static_cast<int>(SeriesKind::kStep);
    const auto before = is_step ? vanishes(place, date - 1) : std::optional(false);
    if (here == true || before == true)
      part->transient = true;
    else if (here && before)
      part->transient = false;
  }

  /// Writes the rows of dates whose later step is known too, and of whole places. Rows of the last written
  /// date stay until the next one is written: its marks need them.
  void write_rows(const std::vector<DatePair>& steps) {
    if (steps.empty()) return;
    const auto& end = steps.back();
    const bool is_whole = end.to + 1 == places_[end.place].dates.size();
    const Key limit{end.place, is_whole ? end.to + 1 : end.to, 0};
    std::vector<Prediction> fresh;
    for (auto row = rows_.begin(); row != rows_.end() && row->first < limit; ++row) {
      if (row->first < written_ || row->second.resumed) continue;
      mark(row->first, row->second);
      fresh.push_back(row->second.prediction);
    }
    if (!fresh.empty()) sinks_.writer.write(fresh);
    report_rows(limit);
    written_ = limit;
    const auto [place, date, kind] = limit;
    rows_.erase(rows_.begin(), rows_.lower_bound({place, std::max<size_t>(date, 2) - 2, kind}));
  }

  void report_rows(const Key& limit) {
    for (auto row = rows_.begin(); row != rows_.end() && row->first < limit; ++row) {
      if (row->first < written_ || row->second.resumed) continue;
      if (sinks_.report != nullptr) sinks_.report->add(row->second.prediction, row->second.images);
      row->second.images = {};
    }
  }

  const CaptionCommand& command_;
  const std::vector<Place>& places_;
  const CaptionBatch& caption_;
  const RowSinks& sinks_;
  std::stop_token stop_;
  Progress progress_;
  RunSummary summary_;
  std::unordered_map<std::string, Prediction> known_;  ///< of a resumed output
  std::map<Key, Row> rows_;                            ///< that are not written, or that marks need
  Key written_ = {0, 0, 0};                            ///< first row that is not written
};

}  // namespace

std::vector<Place> series_of(const CaptionCommand& command) {
  auto series = data::read_series(command.series, command.image_root);
  if (!series.left_out.empty()) {
    log::warning(fmt::format("{} places have fewer than two images and are left out; the first is {}",
                             series.left_out.size(), series.left_out.front()));
  }
  return std::move(series.places);
}

std::vector<data::PairFiles> all_pairs(const std::vector<Place>& places) {
  std::vector<data::PairFiles> pairs;
  for (size_t number = 0; number < places.size(); ++number) {
    for (size_t date = 1; date < places[number].dates.size(); ++date) {
      for (const auto& pair : pairs_of_date(number, places[number], date))
        pairs.push_back(files_of(places[number], pair));
    }
  }
  return pairs;
}

size_t planned_pairs(const std::vector<Place>& places) {
  size_t pairs = 0;
  for (const auto& place : places)
    pairs += place.dates.size() - 1 + static_cast<size_t>(place.dates.size() > 2);
  return pairs;
}

RunSummary caption_series(const CaptionCommand& command, const std::vector<Place>& places,
                          const CaptionBatch& caption, const RowSinks& sinks, const std::stop_token& stop) {
  prepare_place_files(command.places, all_pairs(places));
  return SeriesRun(command, places, caption, sinks, stop).run();
}

}  // namespace ccexpert::tools
