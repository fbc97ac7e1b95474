// Scores as CSV (RFC 4180).
#pragma once

#include <string>
#include <vector>

#include "eval/scored.h"

namespace ccexpert::tools {

/// Formats a number that reads back exactly; empty for NaN.
std::string csv_number(double value);

/// Returns a line of fields, quoted where needed, with its line break.
std::string csv_row(const std::vector<std::string>& fields);

/// Returns a row for every subset of every model.
std::string csv_text(const EvalResult& result);

}  // namespace ccexpert::tools
