// The file format of sentencepiece (sentencepiece_model.proto): a protocol buffer with the pieces, the
// settings of the trainer and those of the normaliser.
#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/utf8.h"
#include "text/piece_files.h"
#include "text/tokenizer_json.h"

namespace ccexpert::text {
namespace {

// The longest pieces of published models are runs of 31 spaces.
constexpr size_t kLongestPiece = 512;

/// Fields of one message of a protocol buffer, in the order of the file.
class MessageReader {
 public:
  MessageReader(std::string_view bytes, const std::string& source) : rest_(bytes), source_(source) {}

  /// Advances to the next field; false at the end of the message.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = read_varint();
    field_ = tag >> 3;
    constexpr uint64_t kVarint = 0, kEight = 1, kBytes = 2, kFour = 5;
    number_ = 0;
    bytes_ = {};
    switch (tag & 7) {
      case kVarint:
        number_ = read_varint();
        break;
      case kEight:
        take(8);
        break;
      case kBytes:
        bytes_ = take(read_varint());
        break;
      case kFour:
        number_ = little_endian(take(4));
        break;
      default:
        fail_damaged();
    }
    return true;
  }

  uint64_t field() const { return field_; }
  uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }

  [[noreturn]] void fail_damaged() const {
    fail_expected({source_, "a model of sentencepiece", "a file that is damaged or cut",
                   "copy the whole tokenizer.model of the base model"});
  }

 private:
  static uint64_t little_endian(std::string_view bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
  }

  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail_damaged();
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  uint64_t read_varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    fail_damaged();
  }

  std::string_view rest_;
  const std::string& source_;
  uint64_t field_ = 0, number_ = 0;
  std::string_view bytes_;
};

PieceKind kind_of(uint64_t number, const MessageReader& message, const std::string& source) {
  constexpr uint64_t kUnused = 5;
  switch (number) {
    case 1:
      return PieceKind::kNormal;
    case 2:
      return PieceKind::kUnknown;
    case 3:
      return PieceKind::kControl;
    case 4:
      return PieceKind::kUserDefined;
    case kUnused:
      fail_expected({source, "pieces that are all in use", "an unused one",
                     "train the model without a limit"
                     " on its vocabulary"});
    case 6:
      return PieceKind::kByte;
    default:
      message.fail_damaged();
  }
}

Piece parse_piece(std::string_view bytes, const std::string& source) {
  MessageReader message(bytes, source);
  Piece piece;
  while (message.next()) {
    if (message.field() == 1) piece.text = message.bytes();
    if (message.field() == 2) piece.score = std::bit_cast<float>(static_cast<uint32_t>(message.number()));
    if (message.field() == 3) piece.kind = kind_of(message.number(), message, source);
  }
  const bool valid = !piece.text.empty() && piece.text.size() <= kLongestPiece &&
                     first_invalid_utf8(piece.text) == std::string_view::npos && std::isfinite(piece.score);
  if (!valid) message.fail_damaged();
  return piece;
}

void expect_bpe(std::string_view trainer, const std::string& source) {
  MessageReader message(trainer, source);
  uint64_t type = 1;
  bool suffix = false;
  while (message.next()) {
    if (message.field() == 3) type = message.number();
    if (message.field() == 24) suffix = message.number() != 0;
  }
  constexpr std::string_view kTypes[] = {"unigram", "BPE", "word", "char"};
  if (type != 2)
    fail_expected(
        {source, "a sentencepiece model of type BPE",
         type >= 1 && type <= std::size(kTypes) ? std::string(kTypes[type - 1]) : std::to_string(type)});
  if (suffix) fail_expected({source, "spaces before words", "spaces after words"});
}

/// Reads the normaliser; the defaults are sentencepiece's.
LeadingSpace leading_space(std::string_view normalizer, const std::string& source) {
  MessageReader message(normalizer, source);
  bool prefix = true, collapses = true, escapes = true, maps = false;
  while (message.next()) {
    if (message.field() == 2) maps = !message.bytes().empty();
    if (message.field() == 3) prefix = message.number() != 0;
    if (message.field() == 4) collapses = message.number() != 0;
    if (message.field() == 5) escapes = message.number() != 0;
  }
  const auto expect = [&](bool holds, const char* expected, const char* got) {
    if (!holds) fail_expected({fmt::format("{}: normaliser", source), expected, got});
  };
  expect(!maps, "identity, as LLaMA's", "a map of characters");
  expect(!collapses, "one that keeps all spaces, as LLaMA's", "remove_extra_whitespaces");
  expect(escapes, "escape_whitespaces, as LLaMA's", "none");
  return prefix ? LeadingSpace::kAlways : LeadingSpace::kNone;
}

}  // namespace

PieceFiles parse_sentencepiece_model(std::string_view bytes, const std::string& source) {
  PieceFiles files{.source = source, .pieces = {}};
  MessageReader model(bytes, source);
  std::optional<std::string_view> trainer, normalizer;
  while (model.next()) {
    if (model.field() == 1) files.pieces.push_back(parse_piece(model.bytes(), source));
    if (model.field() == 2) trainer = model.bytes();
    if (model.field() == 3) normalizer = model.bytes();
    if (std::ssize(files.pieces) > kLargestId)
      fail_expected({source, fmt::format("at most {} pieces", kLargestId), "more"});
  }
  // The settings follow the pieces, so a file that is cut between two fields lacks them.
  if (files.pieces.empty() || !trainer || !normalizer) model.fail_damaged();
  expect_bpe(*trainer, source);
  files.leading = leading_space(*normalizer, source);
  for (size_t id = 0; id < files.pieces.size(); ++id) {
    const auto& piece = files.pieces[id];
    const bool special = piece.kind == PieceKind::kControl || piece.kind == PieceKind::kUnknown;
    if (special) files.added.push_back({static_cast<int64_t>(id), piece.text, true});
  }
  return files;
}

}  // namespace ccexpert::text
