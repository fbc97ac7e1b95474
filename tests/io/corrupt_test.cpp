// Damaged and hostile files: one clear error each, never a crash or a giant allocation.
#include <random>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/tensors.h"
#include "io/torch_archive.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(problem(whole + "x"), HasSubstr("data after the last tensor"));
}

TEST_F(CorruptFile, AbsurdHeaderLengths) {
  EXPECT_THAT(problem(std::string(8, '\xff') + "{}"), HasSubstr("a header of 18446744073709551615 bytes"));
  EXPECT_THAT(problem(std::string("\0\0\0\0\0\0\0\x40", 8) + "{}"),
              HasSubstr("truncated, or not a safetensors"));
  EXPECT_THAT(problem(std::string(8, '\0') + "{}"), HasSubstr("expected a safetensors header"));
  EXPECT_THAT(problem("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("got a Git LFS pointer"));
  EXPECT_THAT(problem(""), HasSubstr("got an empty file"));
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
  EXPECT_THAT(problem_of_header("{\"a\":" + one + ",\"a\":" + one + "}", 4), HasSubstr("'a' twice"));
}

/// Reads every tensor of a file with some flipped bits, and counts the refusals.
class RandomDamage : public CorruptFile {
 protected:
  int refused(const std::string& whole, const std::string& name, int rounds) {
    int count = 0;
    for (int round = 0; round < rounds; ++round) {
      auto bytes = whole;
      for (uint64_t flips = 1 + random_() % 4; flips > 0; --flips) {
        bytes[random_() % bytes.size()] ^= static_cast<char>(1 << random_() % 8);
      }
      count += is_refused(folder_.write(name, bytes)) ? 1 : 0;
    }
    return count;
  }

 private:
  static bool is_refused(const std::filesystem::path& file) {
    try {
      const auto source = file.extension() == ".bin" ? open_torch_archive(file) : open_safetensors(file);
      for (const auto& info : source->tensors()) {
        // Reading a byte outside the file would crash.
        const auto tensor = source->tensor(info.name);
        if (tensor.numel() > 0) static_cast<void>(tensor.to(at::kDouble).sum().item<double>());
      }
      return false;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(file.filename().string()));
      EXPECT_THAT(error.what(), Not(HasSubstr("PyTorch")));
      return true;
    }
  }

  std::mt19937_64 random_{1};
};

TEST_F(RandomDamage, OfSafetensorsIsRefusedOrHarmless) {
  write_safetensors(folder_ / "whole.safetensors", test::every_kind());
  EXPECT_GT(refused(read_file(folder_ / "whole.safetensors"), "damaged.safetensors", 1500), 500);
}

TEST_F(RandomDamage, OfArchivesIsRefusedOrHarmless) {
  for (const std::string name :
       {"plain.bin", "views.bin", "compressed.bin", "protocol4.bin", "no_checksums.bin"})
    EXPECT_GT(refused(read_file(ccexpert::test::data_folder() / "io" / name), name, 300), 30) << name;
}

}  // namespace
}  // namespace ccexpert::io
