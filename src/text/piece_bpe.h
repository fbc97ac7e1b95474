// Tokenizer of sentencepiece models of kind BPE, as LLaMA's: pieces of text, spaces as "▁", and bytes for
// characters without a piece.
#pragma once

#include <filesystem>
#include <memory>

#include <ccexpert/text/tokenizer.h>

#include "text/piece_files.h"

namespace ccexpert::text {

/// Makes a tokenizer of parsed files. Throws Error if they do not fit each other.
std::unique_ptr<const Tokenizer> make_piece_bpe(const PieceFiles& files);

/// True if a folder has a tokenizer.json of this kind.
bool has_piece_json(const std::filesystem::path& folder);
std::unique_ptr<const Tokenizer> load_piece_json(const std::filesystem::path& folder);

/// True if a folder has a tokenizer.model. Added tokens are those of tokenizer_config.json and
/// added_tokens.json, if these are there.
bool has_sentencepiece_model(const std::filesystem::path& folder);
std::unique_ptr<const Tokenizer> load_sentencepiece_model(const std::filesystem::path& folder);

}  // namespace ccexpert::text
