#include "core/text_file.h"

#include <fstream>
#include <iterator>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ccexpert/core/error.h>

#include "core/text_decoder.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

using namespace std::string_literals;
using test::error_of;

std::string problem(const std::string& bytes) {
  return error_of([&] { decoded_text(bytes, "l.csv"); });
}

const std::string kText = "a,\xc3\xa9\r\n\xf0\x9f\x8f\xa0\n";

TEST(TextFile, IsUtf8WithOrWithoutAMark) {
  EXPECT_EQ(decoded_text(kText, "l.csv"), kText);
  EXPECT_EQ(decoded_text("\xef\xbb\xbf" + kText, "l.csv"), kText);
  EXPECT_EQ(decoded_text("", "l.csv"), "");
  EXPECT_EQ(decoded_text("\xef\xbb\xbf", "l.csv"), "");
}

TEST(TextFile, IsUtf16WithAMark) {
  const std::string little =
      "\xff\xfe"
      "a\0,\0\xe9\0\r\0\n\0\x3c\xd8\xe0\xdf\n\0"s;
  const std::string big = "\xfe\xff\0a\0,\0\xe9\0\r\0\n\xd8\x3c\xdf\xe0\0\n"s;
  EXPECT_EQ(decoded_text(little, "l.csv"), kText);
  EXPECT_EQ(decoded_text(big, "l.csv"), kText);
  const test::TemporaryFolder folder;
  EXPECT_EQ(read_text_file(folder.write("l.csv", little)), kText);
}

TEST(TextFile, OtherEncodingsAreNamed) {
  EXPECT_EQ(problem("a\0,\0"s),
            "l.csv: expected UTF-8 text, got UTF-16 without a byte order mark, or bytes that are not text "
            "(save it as UTF-8)");
  EXPECT_EQ(problem("\0a\0,"s), problem("a\0,\0"s));
  EXPECT_EQ(problem("\xff\xfe\0\0a\0\0\0"s), "l.csv: expected UTF-8 text, got UTF-32 (save it as UTF-8)");
  EXPECT_EQ(problem("ok\nna\xefve\n"),
            "l.csv: line 2: expected UTF-8 text, got the byte \\xef (save it as UTF-8)");
  EXPECT_EQ(problem("ok\n\n x\0"s), "l.csv: line 3: expected UTF-8 text, got a NUL byte (save it as UTF-8)");
  EXPECT_EQ(problem("\xff\xfe\n\0\x3c\xd8x\0"s),
            "l.csv: line 2: expected UTF-8 text, got UTF-16 with half a surrogate pair (save it as UTF-8)");
  EXPECT_EQ(problem("\xff\xfe\n\0x"s),
            "l.csv: line 2: expected UTF-8 text, got UTF-16 that ends within a character (save it as UTF-8)");
}

TEST(TextFile, IsDecodedPieceByPiece) {
  const std::string little =
      "\xff\xfe"
      "a\0,\0\xe9\0\r\0\n\0\x3c\xd8\xe0\xdf\n\0"s;
  for (const auto& bytes : {"\xef\xbb\xbf" + kText, kText, little}) {
    for (size_t size = 1; size < 8; ++size) {
      TextDecoder decoder("l.csv");
      std::string text;
      for (size_t place = 0; place < bytes.size(); place += size)
        text += decoder.decode(bytes.substr(place, size), false);
      EXPECT_EQ(text + decoder.decode("", true), kText) << size;
    }
  }
  TextDecoder decoder("l.csv");
  EXPECT_EQ(decoder.decode("a\nb\n\xe2\x80", false), "a\nb\n");
  EXPECT_EQ(error_of([&] { decoder.decode("x", true); }),
            "l.csv: line 3: expected UTF-8 text, got the byte \\xe2 (save it as UTF-8)");
}

TEST(TextFile, IsReadAsAStream) {
  const test::TemporaryFolder folder;
  std::string long_text;
  while (long_text.size() < 1'000'000) long_text += kText;
  TextStream stream(folder.write("l.csv", "\xef\xbb\xbf" + long_text));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), long_text);
  TextStream broken(folder.write("b.csv", long_text + "\xff"));
  std::string line;
  EXPECT_THAT(error_of([&] {
                while (std::getline(broken, line)) {
                }
              }),
              ::testing::HasSubstr("expected UTF-8 text, got the byte \\xff"));
  EXPECT_THAT(error_of([&] { TextStream(folder / "none"); }),
              ::testing::HasSubstr("none: cannot be opened (No such file or directory)"));
}

TEST(TextFile, APipeIsReadToItsEnd) {
  const test::TemporaryFolder folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto write = [&](const std::string& text) { std::ofstream(pipe) << text; };
  std::thread writer(write, "\xef\xbb\xbf" + kText);
  EXPECT_EQ(read_text_file(pipe), kText);
  writer.join();
  writer = std::thread(write, kText);
  TextStream stream(pipe);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), kText);
  writer.join();
  writer = std::thread(write, "abcd");
  EXPECT_EQ(error_of([&] { read_text_file(pipe, 3); }),
            pipe.string() + ": expected at most 3 bytes, got more");
  writer.join();
}

TEST(TextFile, RelativePathsStartAtTheFolderOfAFileOnly) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(folder_of_list(folder.write("l.csv", "")), folder.path());
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(folder_of_list(folder / "pipe"), "");
  EXPECT_EQ(folder_of_list(folder / "none.csv"), folder.path());
  // A shell may connect these names to a regular file.
  for (const auto* name : {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/dev/../dev/stdin"})
    EXPECT_EQ(folder_of_list(name), "") << name;
  EXPECT_EQ(folder_of_list("/dev/shm/l.csv"), "/dev/shm");
}

}  // namespace
}  // namespace ccexpert
