// What a tokenizer's files say, before anything is built from it.
#pragma once

#include <cstdint>
#include <filesystem>
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

/// Reads whichever of the two forms the folder holds. Throws Error.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace ccexpert::text
