/// A byte-level BPE vocabulary learnt from text, for models that do not begin with a published one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ccexpert::text {

struct Vocabulary {
  std::vector<std::string> tokens;  ///< by id, as bytes: the 256 bytes, then what merges make
  std::vector<std::pair<std::string, std::string>> merges;  ///< as bytes, in the order of their ranks
};

/// Merges the most frequent neighbours (of several, the first in byte order) until there are `size` tokens or
/// no pair stands twice. Words are cut as Qwen2's tokenizer does; no merge crosses them. Throws Error for a
/// size below 256.
Vocabulary learn_vocabulary(std::span<const std::string> texts, int64_t size);

/// Writes vocab.json, merges.txt, tokenizer_config.json and added_tokens.json as Qwen2's tokenizer has them,
/// with its special tokens <|endoftext|>, <|im_start|> and <|im_end|> behind the vocabulary's.
void write_vocabulary(const Vocabulary& vocabulary, const std::filesystem::path& folder);

}  // namespace ccexpert::text
