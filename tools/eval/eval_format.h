// Formatting of scores as text.
#pragma once

#include <string>

#include "eval/eval_choices.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Formats a result, with a final line break.
std::string formatted(const EvalResult& result, TableFormat format);

/// Formats a share in per cent with two decimals; "-" for NaN.
std::string percent(double value);

/// Returns a line with the pairs, references and tokenizer of a result.
std::string header_note(const EvalResult& result);

/// Returns the worst pairs by a column, one paragraph each. Line breaks in captions become spaces, other
/// control characters are escaped.
std::string worst_pairs(const Scored& scored, size_t count, const std::string& by);

/// Returns the indices of all pairs, the worst by a column first, those without a value last.
std::vector<size_t> worst_first(const eval::ScoreTable& table, const std::string& by);

/// Returns the scores of every pair as JSON Lines or CSV.
std::string pair_scores(const Scored& scored, eval::Tokenizer tokenizer, bool csv);

/// Formats a p-value; one below the resolution of the resamples as "<0.001".
std::string p_value(double p, int64_t resamples);

/// Formats a value in per cent with a sign and two decimals; "-" for NaN.
std::string signed_percent(double value);

}  // namespace ccexpert::tools
