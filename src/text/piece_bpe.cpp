#include "text/piece_bpe.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

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

constexpr const char* kModelFile = "tokenizer.model";
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
    if (files.merges) {
      add_merges(files);
    } else {
      add_merges_of_scores(files);
    }
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
      if (piece.kind == PieceKind::kUserDefined) whole_.push_back(piece.text);
      const auto character = character_at(piece.text, 0);
      if (piece.kind == PieceKind::kNormal && character.bytes == piece.text.size())
        characters_[character.code] = static_cast<uint32_t>(id);
    }
    std::stable_sort(whole_.begin(), whole_.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }

  static std::string bytes_of(const Piece& piece, const std::string& source) {
    if (piece.kind != PieceKind::kByte) return replaced(piece.text, kSpace, " ");
    const auto byte = byte_of(piece.text);
    if (!byte) fail_expected({source, "byte pieces such as <0x0A>", piece.text});
    return std::string(1, static_cast<char>(*byte));
  }

  /// Returns the symbol of a text of one character or one normal piece; nullopt if it is neither.
  std::optional<uint32_t> symbol_of(std::string_view text, const PieceFiles& files) const {
    const auto character = character_at(text, 0);
    if (character.bytes == text.size()) return symbol_of(character.code);
    const auto id = token_id(text);
    if (!id || files.pieces.size() <= static_cast<size_t>(*id) ||
        files.pieces[static_cast<size_t>(*id)].kind != PieceKind::kNormal)
      return std::nullopt;
    return static_cast<uint32_t>(*id);
  }

  uint32_t symbol_of(char32_t code) const {
    const auto found = characters_.find(code);
    return found == characters_.end() ? kFirstCharacter + static_cast<uint32_t>(code) : found->second;
  }

  void add_merges(const PieceFiles& files) {
    const auto& merges = files.merges.value();
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right] = merges[rank];
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

  /// Adds every split of every piece into two symbols. Pieces of equal score have equal ranks, so that the
  /// leftmost is merged first.
  void add_merges_of_scores(const PieceFiles& files) {
    std::vector<uint32_t> order(files.pieces.size());
    std::iota(order.begin(), order.end(), uint32_t{0});
    const auto score = [&](uint32_t id) { return files.pieces[id].score; };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) > score(b); });
    uint32_t rank = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0 && score(order[i - 1]) != score(order[i])) ++rank;
      const auto& piece = files.pieces[order[i]];
      if (piece.kind != PieceKind::kNormal) continue;
      const std::string_view text = piece.text;
      for (size_t cut = character_at(text, 0).bytes; cut < text.size();
           cut += character_at(text, cut).bytes) {
        const auto left = symbol_of(text.substr(0, cut), files), right = symbol_of(text.substr(cut), files);
        if (left && right) pairs_.add_merge(*left, *right, {rank, order[i]});
      }
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
      if (const auto* whole = whole_at(std::string_view(marked).substr(i))) {
        merge(symbols, ids);
        symbols.clear();
        ids.push_back(token_id(*whole).value_or(0));
        i += whole->size();
        continue;
      }
      const auto character = character_at(marked, i);
      symbols.push_back(symbol_of(character.code));
      i += character.bytes;
    }
    merge(symbols, ids);
  }

  /// Returns the longest user-defined piece at the start of the text.
  const std::string* whole_at(std::string_view text) const {
    const auto found = std::find_if(whole_.begin(), whole_.end(),
                                    [&](const auto& piece) { return text.starts_with(piece); });
    return found == whole_.end() ? nullptr : &*found;
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
  std::vector<std::string> whole_;
  std::array<int64_t, 256> byte_ids_ = no_bytes();  // ids of the byte pieces; -1: none falls back to bytes
  int64_t unknown_ = -1;
};

std::optional<std::string> text_if_there(const fs::path& path) {
  return is_there(path) ? std::optional(read_file(path)) : std::nullopt;
}

/// Encoding compares each position of a text with all of these.
void expect_few_whole(const PieceFiles& files) {
  const auto user_defined = std::count_if(files.pieces.begin(), files.pieces.end(), [](const Piece& piece) {
    return piece.kind == PieceKind::kUserDefined;
  });
  if (static_cast<size_t>(user_defined) + files.added.size() > kMostAddedTokens)
    fail_expected({files.source,
                   fmt::format("at most {} control, user-defined and added tokens", kMostAddedTokens),
                   "more"});
}

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

std::unique_ptr<const Tokenizer> make_piece_bpe(const PieceFiles& files) {
  expect_few_whole(files);
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

bool has_sentencepiece_model(const fs::path& folder) {
  return is_there(folder / kModelFile);
}

std::unique_ptr<const Tokenizer> load_sentencepiece_model(const fs::path& folder) {
  const auto file = folder / kModelFile;
  auto files = parse_sentencepiece_model(read_file(file), file.string());
  const TokenizerTexts texts{.config = text_if_there(folder / "tokenizer_config.json"),
                             .added = text_if_there(folder / "added_tokens.json")};
  std::unordered_set<int64_t> known;
  for (const auto& token : files.added) known.insert(token.id);
  for (auto& token : parse_added_tokens(texts, folder.string())) {
    if (!known.contains(token.id)) files.added.push_back(std::move(token));
  }
  return make_piece_bpe(files);
}

}  // namespace ccexpert::text
