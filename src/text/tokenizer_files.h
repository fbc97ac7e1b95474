// Parsed content of a tokenizer's files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ccexpert::text {

struct AddedToken {
  int64_t id;
  std::string text;
  bool special;
};

struct TokenizerFiles {
  std::string source;                                       ///< file of the tokens and merges, for messages
  std::unordered_map<std::string, int64_t> vocabulary;      ///< tokens in GPT-2's printable byte alphabet
  std::vector<std::pair<std::string, std::string>> merges;  ///< by rank
  std::string merges_source;                                ///< file of the merges, for messages
  size_t first_merge_line = 0;                              ///< line of the first merge; 0: not a text file
  std::vector<AddedToken> added;
  std::string pattern;  ///< of the pre-tokenizer
};

/// Texts of a tokenizer's files; nullopt for a missing file. A tokenizer.json is sufficient; without it,
/// vocabulary and merges are required.
struct TokenizerTexts {
  std::optional<std::string> tokenizer = {};   ///< tokenizer.json
  std::optional<std::string> vocabulary = {};  ///< vocab.json
  std::optional<std::string> merges = {};      ///< merges.txt
  std::optional<std::string> config = {};      ///< tokenizer_config.json
  std::optional<std::string> added = {};       ///< added_tokens.json
};

/// Throws Error, naming the file in `folder`, for texts that do not describe a tokenizer of Qwen2's kind.
TokenizerFiles parse_tokenizer_files(const TokenizerTexts& texts, const std::string& folder);

/// Same for the files in a folder, in either of the two forms.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace ccexpert::text
