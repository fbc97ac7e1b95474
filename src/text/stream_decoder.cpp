#include "text/shared/stream_decoder.h"

#include <utility>

#include "text/shared/unicode.h"

namespace ccexpert::text {

std::string StreamDecoder::push(int64_t id) {
  const auto bytes = tokenizer_->token_bytes(id);
  if (skip_special_ && tokenizer_->is_special(id)) return {};
  pending_ += bytes;
  if (!started_ && !bytes.empty()) {
    started_ = true;
    if (tokenizer_->leads_with_space() && pending_.starts_with(' ')) pending_.erase(0, 1);
  }
  const size_t whole = pending_.size() - unfinished_bytes(pending_);
  std::string text = repair_utf8(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::finish() {
  return repair_utf8(std::exchange(pending_, {}));
}

}  // namespace ccexpert::text
