// Figure of a few pairs: images, references and each model's captions.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Draws the pairs named by the command; by default those with the largest score differences between models,
/// or the worst of a single model. Words are marked as in the report. An unreadable image becomes a note in
/// its place and a warning. Throws Error for an unknown pair, a character without a font, and an unwritable
/// file.
void write_figure(const EvalCommand& command, const EvalResult& result,
                  const std::shared_ptr<const eval::MeteorData>& meteor);

}  // namespace ccexpert::tools
