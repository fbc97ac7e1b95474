// Pickles that torch.save never writes: one clear error each, and memory in proportion to their length.
#include "io/state_pickle.h"

#include <gmock/gmock.h>

#include "support/errors.h"

namespace ccexpert::io {
namespace {

using namespace std::string_literals;
using ccexpert::test::error_of;
using ::testing::HasSubstr;

std::string text(const std::string& value) {
  return "\x8c"s + static_cast<char>(value.size()) + value;
}
std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
std::string number(int32_t value) {
  std::string bytes = "J";
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(static_cast<uint32_t>(value) >> (8 * i) & 0xff);
  return bytes;
}
std::string storage(int32_t elements, const std::string& type = "FloatStorage") {
  return "(" + text("storage") + global("torch", type) + text("0") + text("cpu") + number(elements) + "tQ";
}
std::string tensor(const std::string& place, int32_t offset, int32_t size, int32_t stride) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + place + number(offset) + number(size) + "\x85" +
         number(stride) + "\x85" + "\x89" + ")tR";
}
std::string dictionary(const std::string& value) {
  return "\x80\x02}(" + text("w") + value + "u.";
}
std::string problem(const std::string& pickle) {
  return error_of([&] { read_state_pickle(pickle, "x.bin"); });
}

TEST(StatePickle, ReadsATensorsPlace) {
  const auto tensors = read_state_pickle(dictionary(tensor(storage(8), 2, 3, 2)), "x.bin");
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].dtype, "F32");
  EXPECT_EQ(tensors[0].storage_elements, 8u);
  EXPECT_EQ(tensors[0].offset, 2u);
  EXPECT_EQ(tensors[0].extent, 5u);
  EXPECT_EQ(tensors[0].elements(), 3u);
  EXPECT_FALSE(tensors[0].contiguous());
}

TEST(StatePickle, ATensorLiesWithinItsStorage) {
  for (const auto& outside : {tensor(storage(8), 2, 4, 2), tensor(storage(8), 8, 1, 1),
                              tensor(storage(0), 0, 1, 1), tensor(storage(8), 0, 2147483647, 2147483647)})
    EXPECT_THAT(problem(dictionary(outside)), HasSubstr("x.bin: tensor w: expected data within its storage"));
  for (const auto& nonsense : {tensor(storage(8), -1, 1, 1), tensor(storage(8), 0, -1, 1),
                               tensor(storage(8), 0, 1, -1), tensor("N", 0, 1, 1)})
    EXPECT_EQ(problem(dictionary(nonsense)),
              "x.bin: tensor w: its pickle does not describe a tensor (damaged file)");
}

TEST(StatePickle, NamesWhatItDoesNotRead) {
  EXPECT_THAT(problem(dictionary(tensor(storage(8, "QInt8Storage"), 0, 1, 1))),
              HasSubstr("got torch QInt8Storage (quantised and complex tensors are not read)"));
  EXPECT_THAT(problem(global("os", "system") + "."), HasSubstr("got os.system (code that a pickle names"));
  EXPECT_THAT(problem(dictionary("N")), HasSubstr("expected tensors by name, got w (None)"));
  EXPECT_THAT(problem("]."), HasSubstr("expected a dictionary of tensors, got a list"));
  EXPECT_THAT(problem("\xfe."), HasSubstr("holds the opcode 0xfe"));
  const auto whole = tensor(storage(8), 0, 1, 1);
  EXPECT_THAT(problem("}(" + text("w") + whole + text("w") + whole + "u."), HasSubstr("w twice"));
}

TEST(StatePickle, EveryTruncationIsOneError) {
  const auto whole = dictionary(tensor(storage(8), 0, 1, 1));
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_THAT(problem(whole.substr(0, length)), HasSubstr("x.bin: its pickle")) << length;
}

TEST(StatePickle, DepthTakesNoCallsWithinCalls) {
  std::string deep = ")";
  deep.append(1'000'000, '\x85');  // tuples of one tuple
  EXPECT_THAT(problem(deep + "."), HasSubstr("got a tuple"));
  std::string marks(1'000'000, '(');
  EXPECT_THAT(problem(marks + "."), HasSubstr("does not make sense"));
}

TEST(StatePickle, ADamagedMemoOrAHugeTupleTakesNoMemory) {
  EXPECT_EQ(problem("}r\xff\xff\xff\x7fj\xff\xff\xff\x7f."), "no error");
  EXPECT_THAT(problem("}j\xff\xff\xff\x7f."), HasSubstr("does not make sense"));
  // A tuple of a million parts, copied by each call, would need 10^12 parts.
  std::string many = "(";
  many.append(1'000'000, 'N');
  many += "tq\1";
  for (int i = 0; i < 1'000'000; ++i) many += "h\1Q";
  EXPECT_THAT(problem(many + "."), HasSubstr("does not make sense"));
}

}  // namespace
}  // namespace ccexpert::io
