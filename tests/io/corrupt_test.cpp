// Damaged and hostile files: one clear error each, never a crash and never a giant allocation.
#include <random>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/tensors.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string with_header(const std::string& header, size_t data_bytes) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + std::string(data_bytes, '\1');
}

class CorruptFile : public ::testing::Test {
 protected:
  std::string problem(const std::string& bytes) const {
    const auto file = folder_.write("damaged.safetensors", bytes);
    const auto text = error_of([&] { open_safetensors(file); });
    EXPECT_THAT(text, HasSubstr("damaged.safetensors"));
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  }
  std::string problem_of_header(const std::string& header, size_t data_bytes) const {
    return problem(with_header(header, data_bytes));
  }

  const TemporaryFolder folder_;
};

TEST_F(CorruptFile, EveryTruncationIsRefused) {
  write_safetensors(folder_ / "whole.safetensors", test::every_kind());
  const auto whole = read_file(folder_ / "whole.safetensors");
  for (size_t length = 0; length < whole.size(); ++length) problem(whole.substr(0, length));
  EXPECT_THAT(problem(whole + "x"), HasSubstr("data behind the last tensor"));
}

TEST_F(CorruptFile, AbsurdHeaderLengths) {
  EXPECT_THAT(problem(std::string(8, '\xff') + "{}"), HasSubstr("a header of 18446744073709551615 bytes"));
  EXPECT_THAT(problem(std::string("\0\0\0\0\0\0\0\x40", 8) + "{}"),
              HasSubstr("truncated, or no safetensors"));
  EXPECT_THAT(problem(std::string(8, '\0') + "{}"), HasSubstr("expected a safetensors header"));
}

TEST_F(CorruptFile, HeadersThatAreNone) {
  EXPECT_THAT(problem_of_header("[]", 0), HasSubstr("a JSON object"));
  EXPECT_THAT(problem_of_header("{\"a\":", 0), HasSubstr("expected a safetensors header"));
  EXPECT_THAT(problem_of_header("\xff\xfe", 0), HasSubstr("expected a safetensors header"));
  EXPECT_THAT(problem_of_header(std::string(100'000, '['), 0), HasSubstr("nested too deeply"));
  EXPECT_THAT(problem_of_header(R"({"a":1})", 0), AllOf(HasSubstr("tensor a"), HasSubstr("an object")));
}

TEST_F(CorruptFile, EntriesThatSayNonsense) {
  const auto entry = [&](const std::string& text) { return problem_of_header("{\"a\":" + text + "}", 4); };
  EXPECT_THAT(entry(R"({"dtype":"F99","shape":[1],"data_offsets":[0,4]})"), HasSubstr("got F99"));
  EXPECT_THAT(entry(R"({"shape":[1],"data_offsets":[0,4]})"), HasSubstr("expected a dtype"));
  EXPECT_THAT(entry(R"({"dtype":"F32","data_offsets":[0,4]})"), HasSubstr("a list shape"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[1]})"), HasSubstr("a list data_offsets"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
              HasSubstr("non-negative integers"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})"),
              HasSubstr("non-negative integers"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"), HasSubstr("two data_offsets"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), HasSubstr("4 to 0"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), HasSubstr("truncated file?"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), HasSubstr("expected 8 bytes"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})"),
              HasSubstr("more elements than fit in memory"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]})"),
              HasSubstr("non-negative integers"));
}

TEST_F(CorruptFile, DataThatOverlapsOrHasHolesOrIsNamedTwice) {
  const std::string one = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string same = "{\"a\":" + one + ",\"b\":" + one + "}";
  EXPECT_THAT(problem_of_header(same, 4), HasSubstr("tensors overlap"));
  EXPECT_THAT(problem_of_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
              HasSubstr("a hole before it"));
  EXPECT_THAT(problem_of_header("{\"a\":" + one + ",\"a\":" + one + "}", 4), HasSubstr("a twice"));
}

TEST_F(CorruptFile, RandomDamageIsRefusedOrHarmless) {
  write_safetensors(folder_ / "whole.safetensors", test::every_kind());
  const auto whole = read_file(folder_ / "whole.safetensors");
  std::mt19937_64 random(1);
  int refused = 0;
  for (int round = 0; round < 1500; ++round) {
    auto bytes = whole;
    for (uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    }
    const auto file = folder_.write("damaged.safetensors", bytes);
    try {
      const auto source = open_safetensors(file);
      for (const auto& info : source->tensors()) {
        // Reading every byte would fail on one that is not the file's.
        const auto tensor = source->tensor(info.name);
        if (tensor.numel() > 0) static_cast<void>(tensor.to(at::kDouble).sum().item<double>());
      }
    } catch (const Error& error) {
      ++refused;
      EXPECT_THAT(error.what(), HasSubstr("damaged.safetensors"));
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace ccexpert::io
