// Qwen2's tokenizer: NFC, a pre-tokenizer pattern, byte-level BPE, special tokens.
#pragma once

#include <filesystem>
#include <memory>

#include <ccexpert/text/tokenizer.h>

#include "text/tokenizer_files.h"

namespace ccexpert::text {

/// Throws Error for files that contradict themselves.
std::unique_ptr<const Tokenizer> make_byte_level_bpe(const TokenizerFiles& files);

/// True if the folder has one of this tokenizer's files.
bool has_byte_level_bpe(const std::filesystem::path& folder);

/// Reads tokenizer.json, or vocab.json with merges.txt and the special tokens of tokenizer_config.json and
/// added_tokens.json. Throws Error naming the file (and the line of merges.txt) if files are missing or
/// damaged, or describe a tokenizer of another kind.
std::unique_ptr<const Tokenizer> load_byte_level_bpe(const std::filesystem::path& folder);

}  // namespace ccexpert::text
