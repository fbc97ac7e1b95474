#include "io/pickle_dialect.h"

#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include <ccexpert/core/error.h>

namespace ccexpert::io {
namespace {

// Python's Lib/pickletools.py defines the opcodes.
constexpr char kGlobal = 'c', kPut = 'q', kLongPut = 'r', kGet = 'h', kLongGet = 'j', kBuild = 'b',
               kPair = '\x86', kEmptyDictionary = '}', kStop = '.';
constexpr std::string_view kCallWithoutArguments = ")R";
constexpr std::string_view kOrderedDictionary = "ccollections\nOrderedDict\n";

/// How an opcode's argument is laid out: `bytes` of it, which are the length of what follows where `counted`.
struct Argument {
  size_t bytes = 0;
  bool counted = false;
};

std::optional<Argument> argument_of(char opcode) {
  switch (static_cast<unsigned char>(opcode)) {
    case 0x80:
    case 'q':
    case 'h':
    case 'K':
      return Argument{1};
    case 'M':
      return Argument{2};
    case 'r':
    case 'j':
    case 'J':
      return Argument{4};
    case 'G':
    case 0x95:
      return Argument{8};
    case 0x8a:
    case 0x8c:
    case 'U':
    case 'C':
      return Argument{1, true};
    case 'X':
    case 'T':
    case 'B':
      return Argument{4, true};
    case '(':
    case ')':
    case 't':
    case 0x85:
    case 0x86:
    case 0x87:
    case 'Q':
    case 'R':
    case 'b':
    case 's':
    case 'u':
    case '}':
    case ']':
    case 'a':
    case 'e':
    case 'N':
    case 0x88:
    case 0x89:
    case '.':
    case '0':
    case 0x94:
      return Argument{};
    default:
      return std::nullopt;
  }
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

/// The opcode at the start of `rest` with its argument; empty where the stream cannot be followed.
std::string_view next_operation(std::string_view rest) {
  if (rest.front() == kGlobal) {
    const auto first = rest.find('\n');
    const auto second = first == std::string_view::npos ? first : rest.find('\n', first + 1);
    return second == std::string_view::npos ? std::string_view() : rest.substr(0, second + 1);
  }
  const auto argument = argument_of(rest.front());
  if (!argument || rest.size() < 1 + argument->bytes) return {};
  const uint64_t counted = argument->counted ? little_endian(rest.substr(1, argument->bytes)) : 0;
  if (counted > rest.size() - 1 - argument->bytes) return {};
  return rest.substr(0, 1 + argument->bytes + counted);
}

class Rewriter {
 public:
  Rewriter(std::string_view pickle, std::string_view source) : rest_(pickle), source_(source) {}

  std::string run() {
    const auto bytes = rest_.size();
    while (!rest_.empty()) {
      const auto operation = next_operation(rest_);
      if (operation.empty()) fail(source_, "its pickle is cut off, or holds an opcode that is not known");
      expect_memo_of_size(operation, bytes);
      rest_.remove_prefix(operation.size());
      rewrite(operation);
      // A second pickle behind the first is another reader's.
      if (operation.front() == kStop) return result_ + std::string(rest_);
    }
    return result_;
  }

 private:
  /// The reader makes its memo as long as the largest place says: a damaged one would take all memory. Nobody
  /// remembers more things than there are bytes.
  void expect_memo_of_size(std::string_view operation, size_t bytes) const {
    const char opcode = operation.front();
    if (opcode != kPut && opcode != kLongPut && opcode != kGet && opcode != kLongGet) return;
    if (little_endian(operation.substr(1)) > bytes)
      fail(source_, "its pickle remembers things at places that it cannot have", "damaged file");
  }

  void rewrite(std::string_view operation) {
    if (operation == kOrderedDictionary) {
      if (!rest_.empty() && (rest_.front() == kPut || rest_.front() == kLongPut)) {
        const auto put = next_operation(rest_);
        classes_.insert(little_endian(put.empty() ? put : put.substr(1)));
        rest_.remove_prefix(put.size());
      }
      call(operation);
    } else if ((operation.front() == kGet || operation.front() == kLongGet) &&
               classes_.contains(little_endian(operation.substr(1)))) {
      call(operation);
    } else {
      result_ += operation.front() == kBuild ? std::string_view(&kPair, 1) : operation;
    }
  }

  /// The class alone means nothing to the reader; its call is an empty dictionary.
  void call(std::string_view operation) {
    if (rest_.starts_with(kCallWithoutArguments)) {
      rest_.remove_prefix(kCallWithoutArguments.size());
      result_ += kEmptyDictionary;
    } else {
      result_ += operation;
    }
  }

  std::string_view rest_;
  std::string_view source_;
  std::string result_;
  std::set<uint64_t> classes_;  // memo places that hold the class
};

}  // namespace

std::string with_plain_dictionaries(std::string_view pickle, std::string_view source) {
  return Rewriter(pickle, source).run();
}

}  // namespace ccexpert::io
