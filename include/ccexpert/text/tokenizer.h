/// Conversion between text and token ids.
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

/// Tokenizer of a language model: text and token ids are converted exactly as in the checkpoint's training.
/// Members are thread-safe.
class Tokenizer {
 public:
  /// Loads the tokenizer of a checkpoint folder, of the kind that its files have. Throws Error naming the
  /// file if files are missing or damaged, or describe a tokenizer of an unknown kind.
  static std::unique_ptr<const Tokenizer> load(const std::filesystem::path& folder);

  virtual ~Tokenizer() = default;

  /// Returns the token ids of a text. Special tokens in the text become their ids. Invalid UTF-8 counts as
  /// U+FFFD.
  virtual std::vector<int64_t> encode(std::string_view utf8) const = 0;

  /// Returns the bytes of one token, which may be part of a character; empty for an id without a token (a
  /// model may have more rows than its tokenizer has tokens). A negative id is an Error.
  virtual std::string_view token_bytes(int64_t id) const = 0;

  /// Returns the id of a token by its text, special tokens included.
  virtual std::optional<int64_t> token_id(std::string_view text) const = 0;
  virtual bool is_special(int64_t id) const = 0;  ///< True for a token that is no text
  /// Returns the texts of all special tokens, longest first.
  virtual const std::vector<std::string>& special_tokens() const = 0;
  /// Returns the largest id plus one.
  virtual int64_t vocab_size() const = 0;
  /// True if `encode` puts a space before a text, which `decode` removes again.
  virtual bool leads_with_space() const { return false; }

  /// Returns the text of token ids: the bytes of all tokens, or of those that are not special, without the
  /// space that `encode` put first. Invalid bytes become U+FFFD.
  std::string decode(std::span<const int64_t> ids, bool skip_special = true) const;
};

}  // namespace ccexpert::text
