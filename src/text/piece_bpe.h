// Tokenizer of a tokenizer.json of sentencepiece's kind, as LLaMA's: pieces of text, spaces as "▁", and bytes
// for characters without a piece.
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

}  // namespace ccexpert::text
