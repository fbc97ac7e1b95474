// Tokens by id and by name: what every kind of tokenizer looks up.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ccexpert/text/tokenizer.h>

#include "text/tokenizer_files.h"

namespace ccexpert::text {

/// Tokenizer without `encode`: a table of tokens, of which some are added ones.
class TokenTable : public Tokenizer {
 public:
  std::string_view token_bytes(int64_t id) const override;
  std::optional<int64_t> token_id(std::string_view text) const override;
  bool is_special(int64_t id) const override;
  const std::vector<std::string>& special_tokens() const override { return special_texts_; }
  int64_t vocab_size() const override { return static_cast<int64_t>(bytes_.size()); }

 protected:
  /// Text of a token, and the bytes that it decodes to.
  struct Token {
    std::string name;
    std::string bytes;
  };
  /// Adds a token of the vocabulary; the first id of a name wins. Throws Error, beginning with `source`, if
  /// the id has other bytes already.
  void add_token(int64_t id, Token token, const std::string& source);
  /// Adds tokens that are found in a text before any other; the last id of a name wins.
  void add_added(const std::vector<AddedToken>& added, const std::string& source);

  /// Splits a text at its added tokens, the longest first: calls `plain` for the text between them, which may
  /// be empty, and `token` for each of their ids, in order.
  void split(std::string_view text, const std::function<void(std::string_view)>& plain,
             const std::function<void(int64_t)>& token) const;

 private:
  void set_bytes(int64_t id, std::string bytes, const std::string& source);
  const std::string* added_at(std::string_view text) const;

  std::unordered_map<std::string, int64_t> ids_;  // by name
  std::vector<std::string> bytes_;                // by id
  std::vector<bool> special_;                     // by id
  std::vector<std::string> added_texts_, special_texts_;
};

}  // namespace ccexpert::text
