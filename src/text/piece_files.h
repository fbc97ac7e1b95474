// Content of the files of a sentencepiece tokenizer of kind BPE, as LLaMA's.
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
  kUnknown,      ///< takes the place of characters without a piece
  kControl,      ///< such as the start of a text
  kUserDefined,  ///< never split, never merged
  kByte,         ///< one byte of a character without a piece
};

struct Piece {
  std::string text;  ///< with "▁" for a space; a byte as "<0x0A>"; empty: no token has this id
  PieceKind kind = PieceKind::kNormal;
  float score = 0.0F;  ///< the higher, the earlier a merge
};

/// Space that is put before a text.
enum class LeadingSpace {
  kNone,
  kAlways,       ///< before each piece of text between special tokens, whatever its start
  kUnlessThere,  ///< same, if the text does not start with a space
  kFirstOnly,    ///< as kUnlessThere, but only at the start of the whole text
};

struct PieceFiles {
  std::string source;         ///< file of the pieces, for messages
  std::vector<Piece> pieces;  ///< by id
  /// Merges of a tokenizer.json by rank; nullopt: any two pieces merge to a third, by its score.
  std::optional<std::vector<std::pair<std::string, std::string>>> merges = {};
  std::vector<AddedToken> added = {};  ///< found in a text before any piece
  LeadingSpace leading = LeadingSpace::kAlways;
};

/// Returns the byte that a piece such as "<0x0A>" names; nothing for other texts, also with lower case.
std::optional<uint8_t> byte_of(std::string_view text);

/// Parses a tokenizer.model of sentencepiece. Throws Error, naming `source`, for a damaged or cut file and
/// for a model of another kind than BPE without normalisation.
PieceFiles parse_sentencepiece_model(std::string_view bytes, const std::string& source);

/// Parses a tokenizer.json that transformers makes of such a model. Throws Error, naming `source`, for any
/// other.
PieceFiles parse_piece_json(std::string_view text, const std::string& source);

/// True if a tokenizer.json is one that parse_piece_json reads: its BPE falls back to bytes.
bool is_piece_json(std::string_view text);

}  // namespace ccexpert::text
