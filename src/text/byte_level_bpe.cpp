#include "text/byte_level_bpe.h"

#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "text/byte_alphabet.h"
#include "text/byte_pairs.h"
#include "text/shared/pre_tokenizer.h"
#include "text/shared/unicode.h"
#include "text/token_table.h"
#include "text/tokenizer_files.h"

namespace ccexpert::text {
namespace {

/// Map from the characters in token files to bytes.
class ByteAlphabet {
 public:
  ByteAlphabet() {
    const auto alphabet = byte_alphabet();
    for (size_t byte = 0; byte < alphabet.size(); ++byte) bytes_[alphabet[byte]] = static_cast<char>(byte);
  }

  /// Returns nullopt if the text contains a character outside the alphabet.
  std::optional<std::string> bytes_of(std::string_view token) const {
    std::string bytes;
    for (size_t i = 0; i < token.size();) {
      const auto lead = static_cast<unsigned char>(token[i]);
      char32_t character = lead;
      if (lead >= 0x80) {  // the whole alphabet is below U+0800: one or two bytes of UTF-8
        if (i + 1 >= token.size() || (lead & 0xe0) != 0xc0) return std::nullopt;
        character = static_cast<char32_t>((lead & 0x1f) << 6 | (token[i + 1] & 0x3f));
      }
      const auto found = bytes_.find(character);
      if (found == bytes_.end()) return std::nullopt;
      bytes += found->second;
      i += lead >= 0x80 ? 2 : 1;
    }
    return bytes;
  }

 private:
  std::unordered_map<char32_t, char> bytes_;
};

class ByteLevelBpe : public TokenTable {
 public:
  explicit ByteLevelBpe(const TokenizerFiles& files) : words_(files.pattern, files.source) {
    add_vocabulary(files);
    add_added(files.added, files.source);
    add_bytes(files);
    add_merges(files);
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

 private:
  void add_vocabulary(const TokenizerFiles& files) {
    for (const auto& [token, id] : files.vocabulary) {
      // A token outside the byte alphabet is an added token that the vocabulary also lists: its text is its
      // bytes.
      const auto bytes = alphabet_.bytes_of(token).value_or(token);
      add_token(id, {bytes, bytes}, files.source);
    }
  }

  void add_bytes(const TokenizerFiles& files) {
    for (int byte = 0; byte < 256; ++byte) {
      const auto id = token_id(std::string(1, static_cast<char>(byte)));
      if (!id)
        fail_expected(
            {files.source, "a token for each of the 256 bytes", fmt::format("none for byte {:#04x}", byte)});
      pairs_.set_byte(static_cast<uint8_t>(byte), static_cast<uint32_t>(*id));
    }
  }

  void add_merges(const TokenizerFiles& files) {
    for (size_t rank = 0; rank < files.merges.size(); ++rank) {
      const auto& [left, right] = files.merges[rank];
      const auto part = [&](const std::string& token) {
        const auto bytes = alphabet_.bytes_of(token);
        const auto id = bytes ? token_id(*bytes) : std::nullopt;
        if (!id) fail_expected({merge_place(files, rank), "merges of tokens in the vocabulary", token});
        return static_cast<uint32_t>(*id);
      };
      const uint32_t left_id = part(left), right_id = part(right);
      pairs_.add_merge(left_id, right_id, {static_cast<uint32_t>(rank), part(left + right)});
    }
  }

  static std::string merge_place(const TokenizerFiles& files, size_t rank) {
    if (files.first_merge_line == 0) return fmt::format("{}: merge {}", files.merges_source, rank);
    return fmt::format("{}:{}", files.merges_source, files.first_merge_line + rank);
  }

  void encode_plain(std::string_view text, std::vector<int64_t>& ids) const {
    if (text.empty()) return;
    const std::string normal = normalize(text);
    // Words repeat: a word that was merged in this text is not merged again.
    std::unordered_map<std::string_view, std::pair<size_t, size_t>> seen;
    words_.split(normal, [&](std::string_view word) {
      const auto known = seen.find(word);
      const size_t start = ids.size();
      if (known == seen.end()) {
        pairs_.encode(word, ids);
        seen.emplace(word, std::pair(start, ids.size()));
      } else {
        for (size_t i = known->second.first; i < known->second.second; ++i) ids.push_back(ids[i]);
      }
    });
  }

  ByteAlphabet alphabet_;
  PreTokenizer words_;
  BytePairs pairs_;
};

}  // namespace

std::unique_ptr<const Tokenizer> make_byte_level_bpe(const TokenizerFiles& files) {
  return std::make_unique<const ByteLevelBpe>(files);
}

bool has_byte_level_bpe(const std::filesystem::path& folder) {
  const auto has = [&](const char* file) { return is_there(folder / file); };
  return has("tokenizer.json") || has("vocab.json") || has("merges.txt");
}

std::unique_ptr<const Tokenizer> load_byte_level_bpe(const std::filesystem::path& folder) {
  return make_byte_level_bpe(read_tokenizer_files(folder));
}

}  // namespace ccexpert::text
