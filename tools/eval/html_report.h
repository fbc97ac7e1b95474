// HTML report of ccexpert-eval: one self-contained page with images and captions.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Writes the page atomically. Unreadable images become a note in their place. Throws Error if the page
/// cannot be written.
void write_html_report(const EvalCommand& command, const EvalResult& result,
                       const std::shared_ptr<const eval::MeteorData>& meteor);

}  // namespace ccexpert::tools
