/// Token ids to text while they are generated.
#pragma once

#include <string>

#include <ccexpert/text/tokenizer.h>

namespace ccexpert::text {

/// A token may end within a character: what comes out is always whole characters. All that `push` returned,
/// followed by `finish`, equals Tokenizer::decode of all ids.
class StreamDecoder {
 public:
  /// `tokenizer` must outlive the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// The characters that `id` completes; may be empty.
  std::string push(int64_t id);
  /// What is left of an unfinished character, as U+FFFD, or nothing.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;
};

}  // namespace ccexpert::text
