// Identity of a captioning run.
#pragma once

#include <string>

#include "caption/caption_options.h"

namespace ccexpert::tools {

/// Returns 16 hexadecimal digits for the model, the question, --keep-tokens and the generation options of a
/// command, or nothing for the text format, which does not store them. int8 weights of a checkpoint in
/// floating point count too. Runs with equal digits give the same captions up to rounding by --device and
/// floating-point types of --dtype. Throws Error if the model's folder is not a checkpoint.
std::string run_identity(const CaptionCommand& command);

}  // namespace ccexpert::tools
