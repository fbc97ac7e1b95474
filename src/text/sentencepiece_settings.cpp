// Settings in a tokenizer.model, which libsentencepiece has no functions for. The file is a protocol buffer
// (sentencepiece_model.proto) with the pieces, the settings of the trainer and those of the normaliser.
#include "text/sentencepiece_settings.h"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::text {
namespace {

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

  [[noreturn]] void fail_damaged() const { fail_damaged_sentencepiece(source_); }

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

/// Reads the normaliser, whose defaults are sentencepiece's. Returns true if it puts a space before a text.
bool puts_space(std::string_view normalizer, const std::string& source) {
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
  return prefix;
}

}  // namespace

void fail_damaged_sentencepiece(const std::string& source) {
  fail_expected({source, "a model of sentencepiece", "a file that is damaged or cut",
                 "copy the whole tokenizer.model of the base model"});
}

SentencepieceSettings read_sentencepiece_settings(std::string_view bytes, const std::string& source) {
  MessageReader model(bytes, source);
  std::optional<std::string_view> trainer, normalizer;
  bool pieces = false;
  const auto set_once = [&](std::optional<std::string_view>& part) {
    if (part) fail_damaged_sentencepiece(source);  // a reader of protocol buffers would merge both
    part = model.bytes();
  };
  while (model.next()) {
    if (model.field() == 1) pieces = true;
    if (model.field() == 2) set_once(trainer);
    if (model.field() == 3) set_once(normalizer);
  }
  // The settings follow the pieces, so a file that is cut between two fields lacks them.
  if (!pieces || !trainer || !normalizer) fail_damaged_sentencepiece(source);
  expect_bpe(*trainer, source);
  return {.leads_with_space = puts_space(*normalizer, source)};
}

}  // namespace ccexpert::text
