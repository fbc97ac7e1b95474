// Captions of places at several dates (--series).
#pragma once

#include <stop_token>
#include <vector>

#include "caption/caption_run.h"
#include "data/shared/series.h"

namespace ccexpert::tools {

/// Returns the places of a command. Throws Error for a folder or a list that cannot be read.
std::vector<data::Place> series_of(const CaptionCommand& command);

/// Returns every pair that a run over the places may caption, in the order of its rows: of each place the
/// steps from date to date, each followed by the dates around its later one, then the first against the last
/// date.
std::vector<data::PairFiles> all_pairs(const std::vector<data::Place>& places);

/// Returns the number of steps and of spans from the first to the last date, which every run captions.
size_t planned_pairs(const std::vector<data::Place>& places);

/// Captions the steps of all places, batch by batch, and the first against the last date of places with more
/// than two. A date whose both steps tell of a change is examined: if its neighbours show none between them,
/// the change comes and goes, and rows of both steps are marked as transient. Rows are written as soon as the
/// steps on both sides are known. A stop request ends the run before the next rows are written.
RunSummary caption_series(const CaptionCommand& command, const std::vector<data::Place>& places,
                          const CaptionBatch& caption, const RowSinks& sinks, const std::stop_token& stop);

}  // namespace ccexpert::tools
