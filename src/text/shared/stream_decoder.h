/// Incremental decoding of generated token ids to text.
#pragma once

#include <string>

#include <ccexpert/text/tokenizer.h>

namespace ccexpert::text {

/// Decoder that returns only whole characters, even if a token ends within one. All results of `push`,
/// followed by `finish`, equal Tokenizer::decode of all ids.
class StreamDecoder {
 public:
  /// `tokenizer` must outlive the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// Returns the characters that `id` completes; may be empty.
  std::string push(int64_t id);
  /// Returns the rest of an unfinished character, as U+FFFD, or an empty string.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;
  bool started_ = false;  // false until the first text
};

}  // namespace ccexpert::text
