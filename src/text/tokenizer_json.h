// JSON of tokenizer files: what every kind of tokenizer reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/json.h"
#include "text/tokenizer_files.h"

namespace ccexpert::text {

// Published vocabularies end below 300,000; a larger id is damage, and tables are as long as the largest id.
inline constexpr int64_t kLargestId = int64_t{1} << 20;

// Encoding compares each position of a text with all added tokens.
inline constexpr size_t kMostAddedTokens = 20'000;

/// Returns the member. Throws Error if there is none. `source` starts messages.
const nlohmann::json& member(const nlohmann::json& object, const char* key, std::string_view source);

/// Returns the member, or `empty` if it is absent or null. Throws Error for another type.
nlohmann::json optional_member(const nlohmann::json& object, const char* key, nlohmann::json empty,
                               std::string_view source);

/// Returns a token id. Throws Error for any other value.
int64_t checked_id(const nlohmann::json& value, std::string_view source);

/// Throws Error if `part` is not of a type.
void expect_type(const nlohmann::json& part, const char* type, std::string_view what,
                 std::string_view source);

/// Returns the ids of a vocabulary's tokens.
std::unordered_map<std::string, int64_t> read_vocabulary(const nlohmann::json& object,
                                                         std::string_view source);

/// Parses a merge: one string with a space between the tokens, or a list of two strings.
std::pair<std::string, std::string> parse_merge(const nlohmann::json& value, std::string_view source);

/// Returns the added tokens of a tokenizer.json; the first token of an id wins.
std::vector<AddedToken> added_tokens_of(const nlohmann::json& root, const std::string& source);

/// Same of tokenizer_config.json and added_tokens.json, which lie beside a vocabulary.
std::vector<AddedToken> parse_added_tokens(const TokenizerTexts& texts, const std::string& folder);

}  // namespace ccexpert::text
