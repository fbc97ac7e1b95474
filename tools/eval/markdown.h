// Tables in Markdown.
#pragma once

#include <string>
#include <vector>

#include "eval/scored.h"

namespace ccexpert::tools {

/// Returns rows of cells as a table with the first row as header; the first column is to the left, the others
/// to the right.
std::string markdown_table(const std::vector<std::vector<std::string>>& rows);

/// Returns the scores of each file and subset, without intervals.
std::string markdown_text(const EvalResult& result);

}  // namespace ccexpert::tools
