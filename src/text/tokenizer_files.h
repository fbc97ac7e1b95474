// What a tokenizer's files say, before anything is built from it.
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
  std::string source;  ///< file that tokens and merges are from, for messages
  std::unordered_map<std::string, int64_t> vocabulary;      ///< tokens in GPT-2's printable byte alphabet
  std::vector<std::pair<std::string, std::string>> merges;  ///< in the order of their ranks
  std::string merges_source;                                ///< file of the merges, for messages
  size_t first_merge_line = 0;                              ///< line of the first merge; 0: not a text file
  std::vector<AddedToken> added;
  std::string pattern;  ///< of the pre-tokenizer
};

/// The texts of a tokenizer's files; nothing for a file that is not there. A tokenizer.json holds all,
/// without it vocabulary and merges are needed.
struct TokenizerTexts {
  std::optional<std::string> tokenizer = {};   ///< tokenizer.json
  std::optional<std::string> vocabulary = {};  ///< vocab.json
  std::optional<std::string> merges = {};      ///< merges.txt
  std::optional<std::string> config = {};      ///< tokenizer_config.json
  std::optional<std::string> added = {};       ///< added_tokens.json
};

/// Throws Error, naming the file in `folder`, for texts that describe no tokenizer of Qwen2's kind.
TokenizerFiles parse_tokenizer_files(const TokenizerTexts& texts, const std::string& folder);

/// The same for whichever of the two forms the folder holds.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace ccexpert::text
