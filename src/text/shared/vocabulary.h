/// Byte-level BPE vocabulary learnt from text, for models trained without a published one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ccexpert::text {

struct Vocabulary {
  std::vector<std::string> tokens;  ///< by id, as bytes: the 256 bytes, then the results of merges
  std::vector<std::pair<std::string, std::string>> merges;  ///< as bytes, by rank
};

/// Merges the most frequent neighbours (among equals, the first in byte order) until there are `size` tokens
/// or no pair occurs twice. Words are split as by Qwen2's tokenizer; no merge crosses them. Throws Error for
/// a size below 256.
Vocabulary learn_vocabulary(std::span<const std::string> texts, int64_t size);

/// Writes vocab.json, merges.txt, tokenizer_config.json and added_tokens.json in the format of Qwen2's
/// tokenizer, with its special tokens <|endoftext|>, <|im_start|> and <|im_end|> after the vocabulary's.
void write_vocabulary(const Vocabulary& vocabulary, const std::filesystem::path& folder);

}  // namespace ccexpert::text
