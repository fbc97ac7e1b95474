// What a caption depends on beside its pair.
#pragma once

#include <string>

#include "caption/caption_options.h"

namespace ccexpert::tools {

/// 16 hexadecimal digits for the model, the question and the generation options of a command. Runs with the
/// same digits give the same captions up to the rounding of --device and --dtype. Throws Error if the model's
/// folder is not a checkpoint.
std::string run_identity(const CaptionCommand& command);

}  // namespace ccexpert::tools
