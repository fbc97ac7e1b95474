// Text of a caption while its tokens are chosen.
#pragma once

#include <string>

#include <ccexpert/generate/options.h>

#include "text/shared/stream_decoder.h"

namespace ccexpert::generate {

class CaptionStream {
 public:
  /// Both must outlive this object.
  CaptionStream(const text::Tokenizer& tokenizer, const DecodingConfig& decoding)
      : decoding_(&decoding), decoder_(tokenizer), left_(decoding.max_new_tokens) {}

  /// Returns the text of TokenEvent for the next token.
  std::string push(int64_t id) {
    const bool ends = decoding_->is_stop(id), last = --left_ == 0 || ends;
    auto piece = ends ? std::string() : decoder_.push(id);
    if (last) piece += decoder_.finish();
    return piece;
  }

 private:
  const DecodingConfig* decoding_;
  text::StreamDecoder decoder_;
  int64_t left_;  // tokens up to the limit
};

}  // namespace ccexpert::generate
