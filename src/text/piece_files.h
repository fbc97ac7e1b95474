// Content of a tokenizer.json that transformers makes of a sentencepiece model of kind BPE, as LLaMA's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer_files.h"

namespace ccexpert::text {

enum class PieceKind {
  kNormal,
  kUnknown,  ///< takes the place of characters without a piece
  kByte,     ///< one byte of a character without a piece
};

struct Piece {
  std::string text;  ///< with "▁" for a space; a byte as "<0x0A>"; empty: no token has this id
  PieceKind kind = PieceKind::kNormal;
};

/// Space that is put before a text.
enum class LeadingSpace {
  kNone,
  kAlways,       ///< before each piece of text between special tokens, whatever its start
  kUnlessThere,  ///< same, if the text does not start with a space
  kFirstOnly,    ///< as kUnlessThere, but only at the start of the whole text
};

struct PieceFiles {
  std::string source;                                            ///< file of the pieces, for messages
  std::vector<Piece> pieces;                                     ///< by id
  std::vector<std::pair<std::string, std::string>> merges = {};  ///< by rank
  std::vector<AddedToken> added = {};                            ///< found in a text before any piece
  LeadingSpace leading = LeadingSpace::kAlways;
};

/// Returns the byte that a piece such as "<0x0A>" names; nothing for other texts, also with lower case.
std::optional<uint8_t> byte_of(std::string_view text);

/// Returns what a piece decodes to, with spaces for "▁".
std::string with_spaces(std::string_view piece);

/// Parses such a file. Throws Error, naming `source`, for any other.
PieceFiles parse_piece_json(std::string_view text, const std::string& source);

/// True if a tokenizer.json is one that parse_piece_json reads: its BPE falls back to bytes.
bool is_piece_json(std::string_view text);

}  // namespace ccexpert::text
