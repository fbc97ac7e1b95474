// A figure of a few pairs: images, references, and what each model says of them.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Draws the pairs that the command names; else those on which the models differ most by a score, or the
/// worst of a single model. Words are marked as in the report. An image that cannot be read becomes a note in
/// its place and a warning. Throws Error for an unknown pair, a character without a font, and a file that
/// cannot be written.
void write_figure(const EvalCommand& command, const EvalResult& result,
                  const std::shared_ptr<const eval::MeteorData>& meteor);

}  // namespace ccexpert::tools
