// Scores as text of several formats.
#pragma once

#include <string>

#include "eval/scored.h"

namespace ccexpert::tools {

/// "table", "json", "csv" or "latex"; ends in a line break.
std::string formatted(const EvalResult& result, const std::string& format);

/// The worst pairs by a column, one paragraph each. Line breaks in captions are blanks, other control
/// characters are spelled out.
std::string worst_pairs(const Scored& scored, size_t count, const std::string& by);

/// Places of all pairs, the worst by a column first, those without a value last.
std::vector<size_t> worst_first(const eval::ScoreTable& table, const std::string& by);

/// Scores of every pair, as JSON Lines or CSV.
std::string pair_scores(const Scored& scored, eval::Tokenizer tokenizer, bool csv);

/// A p-value; one below what so many resamples can tell as "<0.001".
std::string p_value(double p, int64_t resamples);

/// Hundreds with a sign and two digits; "-" for NaN.
std::string signed_percent(double value);

}  // namespace ccexpert::tools
