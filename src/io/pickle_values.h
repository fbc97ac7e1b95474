// Values of a pickle of tensors, and the machine that builds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/byte_reader.h"

namespace ccexpert::io {

enum class PickleKind : uint8_t {
  kNone,
  kBoolean,
  kInteger,
  kReal,
  kText,
  kBytes,
  kTuple,
  kList,
  kDictionary,
  kGlobal,   ///< imported name; `text` is "module name"
  kStorage,  ///< elements in a file
  kTensor,
};

/// Returns the name of a kind with its article, for messages.
std::string_view kind_name(PickleKind kind);

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  uint32_t node = 0;      ///< of a container, a storage or a tensor: the index of its parts
  int64_t integer = 0;    ///< of an integer
  std::string_view text;  ///< of a string, bytes or a global: points into the pickle or the machine
};

/// Interpreter of opcodes (Python's Lib/pickletools.py defines them). Containers store their parts by index,
/// so nested values need no recursion to be read or destroyed.
class PickleMachine {
 public:
  PickleMachine(std::string_view pickle, std::string_view source);

  /// Returns the value of the pickle. Must be called once.
  PickleValue run();

  /// Returns the parts of a container (of a dictionary: alternating keys and values). For a storage: its
  /// arguments from torch.save; for a tensor: those of _rebuild_tensor_v2.
  const std::vector<PickleValue>& parts(const PickleValue& value) const { return nodes_[value.node]; }

 private:
  bool step(char opcode);
  bool read_constant(char opcode);
  bool read_text(char opcode);
  bool read_container(char opcode);
  bool read_addition(char opcode);
  bool read_memo(char opcode);
  bool read_object(char opcode);

  void push(PickleKind kind, int64_t integer = 0) { stack_.push_back({kind, 0, integer, {}}); }
  void push_text(PickleKind kind, std::string_view text) { stack_.push_back({kind, 0, 0, text}); }
  void push_parts(PickleKind kind, std::vector<PickleValue> parts);
  void push_global(std::string_view module, std::string_view name);
  void push_long();
  PickleValue pop();
  std::vector<PickleValue> pop_last(size_t count);
  std::vector<PickleValue> pop_to_mark();
  void add(const std::vector<PickleValue>& parts, PickleKind to);
  void remember(uint64_t place);
  void recall(uint64_t place);
  std::vector<PickleValue> arguments_of(const PickleValue& tuple) const;
  void call();
  [[noreturn]] void fail_as_damaged() const;

  ByteReader bytes_;
  std::string source_;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::vector<std::vector<PickleValue>> nodes_;
  std::unordered_map<uint64_t, PickleValue> memo_;
  std::unordered_map<std::string, std::string> globals_;  // texts of globals, at stable addresses
};

}  // namespace ccexpert::io
