/// Qwen2's tokenizer: NFC, a pre-tokenizer pattern, byte-level BPE, special tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::text {

struct TokenizerFiles;

/// Conversion between text and token ids, exactly as in the tokenizer that a checkpoint was trained with.
/// Const members are thread-safe.
class Tokenizer {
 public:
  /// Reads tokenizer.json, or vocab.json with merges.txt and the special tokens of tokenizer_config.json and
  /// added_tokens.json. Throws Error naming the file (and the line of merges.txt) if files are missing or
  /// damaged, or describe a tokenizer of another kind.
  static Tokenizer load(const std::filesystem::path& folder);
  /// Builds a tokenizer from parsed files.
  static Tokenizer of(const TokenizerFiles& files);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Returns the token ids of a text. Special tokens in the text become their ids. Invalid UTF-8 counts as
  /// U+FFFD.
  std::vector<int64_t> encode(std::string_view utf8) const;

  /// Returns the text of token ids. Invalid bytes become U+FFFD. Ids without a token (a model may have more
  /// rows than its tokenizer has tokens) give no text; a negative id is an Error.
  std::string decode(std::span<const int64_t> ids, bool skip_special = true) const;

  /// Returns the bytes of one token, which may be part of a character; empty for an id without a token.
  std::string_view token_bytes(int64_t id) const;

  /// Returns the id of a token by its text, special tokens included.
  std::optional<int64_t> token_id(std::string_view text) const;
  bool is_special(int64_t id) const;
  /// Returns the texts of all special tokens, longest first.
  const std::vector<std::string>& special_tokens() const;
  /// Returns the largest id plus one.
  int64_t vocab_size() const;

 private:
  class Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace ccexpert::text
