#include "text/sentencepiece_model.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/utf8.h"
#include "text/piece_files.h"
#include "text/sentencepiece_settings.h"
#include "text/shared/unicode.h"
#include "text/token_table.h"
#include "text/tokenizer_json.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFile = "tokenizer.model";
// The longest pieces of published models are runs of 31 spaces.
constexpr size_t kLongestPiece = 512;

class Sentencepiece : public TokenTable {
 public:
  Sentencepiece(std::string_view bytes, const std::string& source, const std::vector<AddedToken>& added)
      : settings_(read_sentencepiece_settings(bytes, source)) {
    if (!processor_.LoadFromSerializedProto(bytes).ok()) fail_damaged_sentencepiece(source);
    expect_pieces(source);
    for (int id = 0; id < processor_.GetPieceSize(); ++id)
      add_token(id, {processor_.IdToPiece(id), bytes_of(id, source)}, source);
    add_added(with_control_pieces(added, source), source);
  }

  std::vector<int64_t> encode(std::string_view utf8) const override try {
    std::vector<int64_t> ids;
    split(
        utf8, [&](std::string_view text) { encode_plain(text, ids); },
        [&](int64_t token) { ids.push_back(token); });
    return ids;
  } catch (...) {
    rethrow_as_error();
  }

  bool leads_with_space() const override { return settings_.leads_with_space; }

 private:
  void encode_plain(std::string_view text, std::vector<int64_t>& ids) const {
    if (text.empty()) return;
    std::vector<int> encoded;
    const auto status = processor_.Encode(repair_utf8(text), &encoded);
    if (!status.ok()) fail("text", "is not tokenised by libsentencepiece", status.message());
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }

  void expect_pieces(const std::string& source) const {
    if (processor_.GetPieceSize() > kLargestId)
      fail_expected({source, fmt::format("at most {} pieces", kLargestId), "more"});
    for (int id = 0; id < processor_.GetPieceSize(); ++id) {
      const auto& piece = processor_.IdToPiece(id);
      const bool valid = !piece.empty() && piece.size() <= kLongestPiece &&
                         first_invalid_utf8(piece) == std::string_view::npos &&
                         std::isfinite(processor_.GetScore(id));
      if (!valid) fail_damaged_sentencepiece(source);
      if (processor_.IsUnused(id)) fail_expected({source, "pieces that are all in use", "an unused one"});
    }
  }

  /// Returns what a piece decodes to.
  std::string bytes_of(int id, const std::string& source) const {
    const auto& piece = processor_.IdToPiece(id);
    if (!processor_.IsByte(id)) return with_spaces(piece);
    const auto byte = byte_of(piece);
    if (!byte) fail_expected({source, "byte pieces such as <0x0A>", piece});
    return std::string(1, static_cast<char>(*byte));
  }

  std::vector<AddedToken> with_control_pieces(const std::vector<AddedToken>& added,
                                              const std::string& source) const {
    std::vector<AddedToken> all;
    std::vector<bool> is_piece(static_cast<size_t>(processor_.GetPieceSize()));
    for (int id = 0; id < processor_.GetPieceSize(); ++id) {
      const bool special = processor_.IsControl(id) || processor_.IsUnknown(id);
      if (special) all.push_back({id, processor_.IdToPiece(id), true});
      is_piece[static_cast<size_t>(id)] = special;
    }
    for (const auto& token : added) {
      const auto id = static_cast<size_t>(token.id);
      if (id >= is_piece.size() || !is_piece[id]) all.push_back(token);
    }
    // Encoding compares each position of a text with all of these.
    if (all.size() > kMostAddedTokens)
      fail_expected({source, fmt::format("at most {} control and added tokens", kMostAddedTokens), "more"});
    return all;
  }

  sentencepiece::SentencePieceProcessor processor_;
  SentencepieceSettings settings_;
};

std::optional<std::string> text_if_there(const fs::path& path) {
  return is_there(path) ? std::optional(read_file(path)) : std::nullopt;
}

}  // namespace

std::unique_ptr<const Tokenizer> make_sentencepiece(std::string_view bytes, const std::string& source,
                                                    const std::vector<AddedToken>& added) {
  return std::make_unique<const Sentencepiece>(bytes, source, added);
}

bool has_sentencepiece_model(const fs::path& folder) {
  return is_there(folder / kModelFile);
}

std::unique_ptr<const Tokenizer> load_sentencepiece_model(const fs::path& folder) {
  const auto file = folder / kModelFile;
  const TokenizerTexts texts{.config = text_if_there(folder / "tokenizer_config.json"),
                             .added = text_if_there(folder / "added_tokens.json")};
  return make_sentencepiece(read_file(file), file.string(), parse_added_tokens(texts, folder.string()));
}

}  // namespace ccexpert::text
