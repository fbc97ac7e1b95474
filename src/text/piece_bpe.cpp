#include "text/piece_bpe.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/utf8.h"
#include "text/byte_pairs.h"
#include "text/shared/unicode.h"
#include "text/token_table.h"
#include "text/tokenizer_json.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJsonFile = "tokenizer.json";
constexpr std::string_view kSpace = "\xe2\x96\x81";  // ▁

// A character without a piece is a symbol of its own during merging: some pieces consist of such characters.
constexpr uint32_t kFirstCharacter = uint32_t{1} << 31;

/// Returns the text with `to` for each `from`.
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (true) {
    const size_t at = text.find(from);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += to;
    text.remove_prefix(at + from.size());
  }
}

class PieceBpe : public TokenTable {
 public:
  explicit PieceBpe(const PieceFiles& files) : leading_(files.leading) {
    add_pieces(files);
    add_added(files.added, files.source);
    add_merges(files);
    const bool all = std::none_of(byte_ids_.begin(), byte_ids_.end(), [](int64_t id) { return id < 0; });
    if (!all) byte_ids_.fill(-1);
    if (!all && unknown_ < 0)
      fail_expected(
          {files.source, "a token for unknown characters, or for each of the 256 bytes", "neither"});
  }

  std::vector<int64_t> encode(std::string_view utf8) const override try {
    std::vector<int64_t> ids;
    bool first = true;
    split(
        utf8,
        [&](std::string_view text) {
          encode_plain(text, first, ids);
          first = first && text.empty();
        },
        [&](int64_t token) {
          ids.push_back(token);
          first = false;
        });
    return ids;
  } catch (...) {
    rethrow_as_error();
  }

  bool leads_with_space() const override { return leading_ != LeadingSpace::kNone; }

 private:
  void add_pieces(const PieceFiles& files) {
    for (size_t id = 0; id < files.pieces.size(); ++id) {
      const auto& piece = files.pieces[id];
      if (piece.text.empty()) continue;
      const auto number = static_cast<int64_t>(id);
      if (token_id(piece.text)) fail_expected({files.source, "each piece once", piece.text + " twice"});
      add_token(number, {piece.text, bytes_of(piece, files.source)}, files.source);
      if (piece.kind == PieceKind::kUnknown) unknown_ = number;
      if (piece.kind == PieceKind::kByte) byte_ids_[byte_of(piece.text).value_or(0)] = number;
      const auto character = character_at(piece.text, 0);
      if (piece.kind == PieceKind::kNormal && character.bytes == piece.text.size())
        characters_[character.code] = static_cast<uint32_t>(id);
    }
  }

  static std::string bytes_of(const Piece& piece, const std::string& source) {
    if (piece.kind != PieceKind::kByte) return with_spaces(piece.text);
    const auto byte = byte_of(piece.text);
    if (!byte) fail_expected({source, "byte pieces such as <0x0A>", piece.text});
    return std::string(1, static_cast<char>(*byte));
  }

  uint32_t symbol_of(char32_t code) const {
    const auto found = characters_.find(code);
    return found == characters_.end() ? kFirstCharacter + static_cast<uint32_t>(code) : found->second;
  }

  void add_merges(const PieceFiles& files) {
    for (size_t rank = 0; rank < files.merges.size(); ++rank) {
      const auto& [left, right] = files.merges[rank];
      const auto part = [&](const std::string& text) {
        const auto id = token_id(text);
        if (!id)
          fail_expected(
              {fmt::format("{}: merge {}", files.source, rank), "merges of tokens in the vocabulary", text});
        return static_cast<uint32_t>(*id);
      };
      const uint32_t left_id = part(left), right_id = part(right);
      pairs_.add_merge(left_id, right_id, {static_cast<uint32_t>(rank), part(left + right)});
    }
  }

  bool puts_space(std::string_view text, bool first) const {
    switch (leading_) {
      case LeadingSpace::kNone:
        return false;
      case LeadingSpace::kAlways:
        return true;
      case LeadingSpace::kUnlessThere:
        return !text.starts_with(kSpace);
      case LeadingSpace::kFirstOnly:
        return first && !text.starts_with(kSpace);
    }
    return false;
  }

  void encode_plain(std::string_view text, bool first, std::vector<int64_t>& ids) const {
    if (text.empty()) return;
    auto marked = replaced(repair_utf8(text), " ", kSpace);
    if (puts_space(marked, first)) marked.insert(0, kSpace);
    std::vector<uint32_t> symbols;
    for (size_t i = 0; i < marked.size();) {
      const auto character = character_at(marked, i);
      symbols.push_back(symbol_of(character.code));
      i += character.bytes;
    }
    merge(symbols, ids);
  }

  void merge(const std::vector<uint32_t>& symbols, std::vector<int64_t>& ids) const {
    std::vector<int64_t> merged;
    pairs_.merge(symbols, merged);
    bool after_unknown = false;
    for (const int64_t symbol : merged) {
      const bool character = symbol >= int64_t{kFirstCharacter};
      if (!character) {
        ids.push_back(symbol);
      } else if (byte_ids_.front() >= 0) {
        append_bytes(static_cast<char32_t>(symbol - int64_t{kFirstCharacter}), ids);
      } else if (!after_unknown) {
        ids.push_back(unknown_);  // one for a run of unknown characters
      }
      after_unknown = character;
    }
  }

  void append_bytes(char32_t code, std::vector<int64_t>& ids) const {
    std::string bytes;
    append_utf8(bytes, code);
    for (const char byte : bytes) ids.push_back(byte_ids_[static_cast<uint8_t>(byte)]);
  }

  static std::array<int64_t, 256> no_bytes() {
    std::array<int64_t, 256> none{};
    none.fill(-1);
    return none;
  }

  LeadingSpace leading_;
  BytePairs pairs_;
  std::unordered_map<char32_t, uint32_t> characters_;
  std::array<int64_t, 256> byte_ids_ = no_bytes();  // ids of the byte pieces; -1: none falls back to bytes
  int64_t unknown_ = -1;
};

}  // namespace

std::optional<uint8_t> byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  uint8_t value = 0;
  for (const char digit : text.substr(3, 2)) {
    const bool decimal = digit >= '0' && digit <= '9', letter = digit >= 'A' && digit <= 'F';
    if (!decimal && !letter) return std::nullopt;
    value = static_cast<uint8_t>(16 * value + (decimal ? digit - '0' : digit - 'A' + 10));
  }
  return value;
}

std::string with_spaces(std::string_view piece) {
  return replaced(piece, kSpace, " ");
}

std::unique_ptr<const Tokenizer> make_piece_bpe(const PieceFiles& files) {
  if (files.added.size() > kMostAddedTokens)  // encoding compares each position of a text with all of these
    fail_expected({files.source, fmt::format("at most {} added tokens", kMostAddedTokens), "more"});
  return std::make_unique<const PieceBpe>(files);
}

bool has_piece_json(const fs::path& folder) {
  const auto file = folder / kJsonFile;
  return is_there(file) && is_piece_json(read_file(file));
}

std::unique_ptr<const Tokenizer> load_piece_json(const fs::path& folder) {
  const auto file = folder / kJsonFile;
  return make_piece_bpe(parse_piece_json(read_file(file), file.string()));
}

}  // namespace ccexpert::text
