// The body of a chat server's response.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datasets/chat/chat_client.h"

namespace ccexpert::datasets {

/// Returns the answer in the body of a success, or nothing without a message. The answer is paid for, so
/// fields other than its text may be missing or malformed.
std::optional<ChatAnswer> answer_of(std::string_view body);

/// Returns the message in the body of a refusal, or the whole body if it has none.
std::string refusal_of(std::string_view body);

}  // namespace ccexpert::datasets
