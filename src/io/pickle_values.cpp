#include "io/pickle_values.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace ccexpert::io {
namespace {

// A state dictionary needs about forty operations per tensor.
constexpr size_t kMostOperations = size_t{4} << 20;
// More than any call of a state dictionary has; many copies of larger tuples would use much memory.
constexpr size_t kMostArguments = 16;
constexpr std::string_view kPart = "its pickle";
constexpr char kStop = '.';

constexpr std::array<std::pair<PickleKind, std::string_view>, 12> kNames{{
    {PickleKind::kNone, "None"},
    {PickleKind::kBoolean, "a boolean"},
    {PickleKind::kInteger, "an integer"},
    {PickleKind::kReal, "a number"},
    {PickleKind::kText, "a string"},
    {PickleKind::kBytes, "bytes"},
    {PickleKind::kTuple, "a tuple"},
    {PickleKind::kList, "a list"},
    {PickleKind::kDictionary, "a dictionary"},
    {PickleKind::kGlobal, "an object"},
    {PickleKind::kStorage, "a storage"},
    {PickleKind::kTensor, "a tensor"},
}};

constexpr std::string_view kDictionary = "collections OrderedDict";
constexpr std::string_view kTensor = "torch._utils _rebuild_tensor_v2";
// A parameter is its tensor; the second form also has state that Python code attached to it.
constexpr std::string_view kParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kParameterWithState = "torch._utils _rebuild_parameter_with_state";

/// True if a pickle may import this name: functions that rebuild tensors, and torch's storages.
bool is_known(std::string_view global) {
  return global == kDictionary || global == kTensor || global == kParameter ||
         global == kParameterWithState || (global.starts_with("torch ") && global.ends_with("Storage"));
}

}  // namespace

std::string_view kind_name(PickleKind kind) {
  for (const auto& [each, name] : kNames) {
    if (each == kind) return name;
  }
  return "something else";
}

PickleMachine::PickleMachine(std::string_view pickle, std::string_view source)
    : bytes_(pickle, source, kPart), source_(source) {}

PickleValue PickleMachine::run() {
  for (size_t operations = 0; operations < kMostOperations; ++operations) {
    const char opcode = bytes_.take(1).front();
    if (opcode == kStop) return pop();
    if (!step(opcode))
      fail(source_, fmt::format("its pickle holds the opcode {:#04x}, which no state dictionary has",
                                static_cast<unsigned char>(opcode)));
  }
  fail(source_, fmt::format("its pickle has more than {} operations", kMostOperations),
       "no state dictionary needs so many");
}

bool PickleMachine::step(char opcode) {
  return read_constant(opcode) || read_text(opcode) || read_container(opcode) || read_addition(opcode) ||
         read_memo(opcode) || read_object(opcode);
}

bool PickleMachine::read_constant(char opcode) {
  switch (static_cast<unsigned char>(opcode)) {
    case 0x80:
      bytes_.take(1);
      break;  // protocol
    case 0x95:
      bytes_.take(8);
      break;  // frame
    case 'N':
      push(PickleKind::kNone);
      break;
    case 0x88:
      push(PickleKind::kBoolean, 1);
      break;
    case 0x89:
      push(PickleKind::kBoolean, 0);
      break;
    case 'K':
      push(PickleKind::kInteger, static_cast<int64_t>(bytes_.number(1)));
      break;
    case 'M':
      push(PickleKind::kInteger, static_cast<int64_t>(bytes_.number(2)));
      break;
    case 'J':
      push(PickleKind::kInteger, static_cast<int32_t>(bytes_.number(4)));
      break;
    case 0x8a:
      push_long();
      break;
    case 'G':
      bytes_.take(8);
      push(PickleKind::kReal);
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::read_text(char opcode) {
  const auto counted = [&](PickleKind kind, size_t width) {
    push_text(kind, bytes_.take(bytes_.number(width)));
    return true;
  };
  switch (static_cast<unsigned char>(opcode)) {
    case 'X':
      return counted(PickleKind::kText, 4);
    case 0x8c:
      return counted(PickleKind::kText, 1);
    case 'T':
      return counted(PickleKind::kText, 4);
    case 'U':
      return counted(PickleKind::kText, 1);
    case 'B':
      return counted(PickleKind::kBytes, 4);
    case 'C':
      return counted(PickleKind::kBytes, 1);
    default:
      return false;
  }
}

bool PickleMachine::read_container(char opcode) {
  switch (static_cast<unsigned char>(opcode)) {
    case '(':
      marks_.push_back(stack_.size());
      break;
    case ')':
      push_parts(PickleKind::kTuple, {});
      break;
    case ']':
      push_parts(PickleKind::kList, {});
      break;
    case '}':
      push_parts(PickleKind::kDictionary, {});
      break;
    case 't':
      push_parts(PickleKind::kTuple, pop_to_mark());
      break;
    case 0x85:
      push_parts(PickleKind::kTuple, pop_last(1));
      break;
    case 0x86:
      push_parts(PickleKind::kTuple, pop_last(2));
      break;
    case 0x87:
      push_parts(PickleKind::kTuple, pop_last(3));
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::read_addition(char opcode) {
  switch (opcode) {
    case '0':
      pop();
      break;
    case 'a':
      add(pop_last(1), PickleKind::kList);
      break;
    case 'e':
      add(pop_to_mark(), PickleKind::kList);
      break;
    case 's':
      add(pop_last(2), PickleKind::kDictionary);
      break;
    case 'u':
      add(pop_to_mark(), PickleKind::kDictionary);
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::read_memo(char opcode) {
  switch (static_cast<unsigned char>(opcode)) {
    case 'q':
      remember(bytes_.number(1));
      break;
    case 'r':
      remember(bytes_.number(4));
      break;
    case 0x94:
      remember(memo_.size());
      break;
    case 'h':
      recall(bytes_.number(1));
      break;
    case 'j':
      recall(bytes_.number(4));
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::read_object(char opcode) {
  switch (static_cast<unsigned char>(opcode)) {
    case 'c': {
      const auto module = bytes_.line();
      push_global(module, bytes_.line());
      break;
    }
    case 0x93: {
      const auto names = pop_last(2);
      push_global(names[0].text, names[1].text);
      break;
    }
    case 'Q': {
      push_parts(PickleKind::kStorage, arguments_of(pop()));
      break;
    }
    case 'R':
      call();
      break;
    case 'b':
      pop();
      break;  // attributes of a dictionary or a tensor
    default:
      return false;
  }
  return true;
}

void PickleMachine::push_parts(PickleKind kind, std::vector<PickleValue> parts) {
  nodes_.push_back(std::move(parts));
  stack_.push_back({kind, static_cast<uint32_t>(nodes_.size() - 1), 0, {}});
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  const auto text = fmt::format("{} {}", module, name);
  if (!is_known(text))
    fail_expected({source_, "tensors and plain containers", fmt::format("{}.{}", module, name),
                   "code that a pickle names is not run"});
  push_text(PickleKind::kGlobal, globals_.emplace(text, text).first->second);
}

/// Pushes an integer of any length; sizes and offsets need at most eight bytes.
void PickleMachine::push_long() {
  const auto digits = bytes_.take(bytes_.number(1));
  if (digits.size() > 8) fail(source_, "its pickle holds an integer of more than 64 bits", "damaged file");
  uint64_t value = little_endian(digits);
  const bool negative = !digits.empty() && (digits.back() & 0x80) != 0;
  if (negative && digits.size() < 8) value |= ~uint64_t{0} << (8 * digits.size());
  push(PickleKind::kInteger, static_cast<int64_t>(value));
}

PickleValue PickleMachine::pop() {
  return pop_last(1).front();
}

std::vector<PickleValue> PickleMachine::pop_last(size_t count) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < count) fail_as_damaged();
  std::vector<PickleValue> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return values;
}

std::vector<PickleValue> PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail_as_damaged();
  auto values = pop_last(stack_.size() - marks_.back());
  marks_.pop_back();
  return values;
}

void PickleMachine::add(const std::vector<PickleValue>& parts, PickleKind to) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() == floor || stack_.back().kind != to) fail_as_damaged();
  if (to == PickleKind::kDictionary && parts.size() % 2 != 0) fail_as_damaged();
  auto& whole = nodes_[stack_.back().node];
  whole.insert(whole.end(), parts.begin(), parts.end());
}

void PickleMachine::remember(uint64_t place) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() == floor) fail_as_damaged();
  memo_[place] = stack_.back();
}

void PickleMachine::recall(uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) fail_as_damaged();
  stack_.push_back(found->second);
}

std::vector<PickleValue> PickleMachine::arguments_of(const PickleValue& tuple) const {
  if (tuple.kind != PickleKind::kTuple || parts(tuple).size() > kMostArguments) fail_as_damaged();
  return parts(tuple);
}

void PickleMachine::call() {
  const auto called = pop_last(2);
  const auto& function = called[0];
  if (function.kind != PickleKind::kGlobal) fail_as_damaged();
  auto arguments = arguments_of(called[1]);
  if (function.text == kDictionary && arguments.empty()) {
    push_parts(PickleKind::kDictionary, {});
  } else if (function.text == kTensor) {
    push_parts(PickleKind::kTensor, std::move(arguments));
  } else if (function.text.starts_with(kParameter) && !arguments.empty()) {
    stack_.push_back(arguments.front());
  } else {
    fail_as_damaged();
  }
}

void PickleMachine::fail_as_damaged() const {
  fail(source_, "its pickle does not make sense", "damaged file");
}

}  // namespace ccexpert::io
