// Chat templates of architectures.
#pragma once

#include <ccexpert/model/config.h>
#include <ccexpert/text/chat_template.h>

namespace ccexpert::generate {

/// Returns the chat template that the language model was trained with.
const text::ChatTemplate& chat_of(const model::ModelConfig& config);

}  // namespace ccexpert::generate
