// The report of ccexpert-eval: one page with images and captions in it.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Writes the page whole or not at all. Images that cannot be read become a note in their place. Throws Error
/// where the page cannot be written.
void write_html_report(const EvalCommand& command, const EvalResult& result,
                       const std::shared_ptr<const eval::MeteorData>& meteor);

}  // namespace ccexpert::tools
