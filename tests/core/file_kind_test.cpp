#include "core/file_kind.h"

#include <string>

#include <gmock/gmock.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using namespace std::string_literals;

std::string name_of(std::string_view head) {
  const auto kind = file_kind(head);
  return kind ? std::string(kind->name) : "unknown";
}

TEST(FileKind, NamesWhatUsersTakeForTheirFile) {
  EXPECT_EQ(name_of("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
            "a Git LFS pointer");
  EXPECT_EQ(name_of("/annex/objects/SHA256E-s9--00.bin\n"), "a git-annex pointer");
  EXPECT_EQ(name_of("\xef\xbb\xbf \n<!DOCTYPE HTML><title>404</title>"), "an HTML page");
  EXPECT_EQ(name_of("<html lang=en>"), "an HTML page");
  EXPECT_EQ(name_of("\x1f\x8b\x08"), "a gzip file");
  EXPECT_EQ(name_of("PK\x03\x04"), "a zip archive");
  EXPECT_EQ(name_of("GGUF\x03"), "a GGUF file of llama.cpp");
  EXPECT_EQ(name_of(""), "an empty file");
  EXPECT_EQ(name_of(std::string(400, '\0')), "a file that begins with zero bytes");
  std::string tar(257, 'a');
  EXPECT_EQ(name_of(tar.append("ustar")), "a tar archive");
}

TEST(FileKind, NamesTextInWideCharacters) {
  EXPECT_EQ(name_of("\xff\xfe{\0\"\0"s), "UTF-16 text");
  EXPECT_EQ(name_of("\xfe\xff\0{"s), "UTF-16 text");
  EXPECT_EQ(name_of("{\0\n\0 \0\"\0a\0"s), "UTF-16 text");
  EXPECT_EQ(name_of("\xff\xfe\0\0{\0\0\0"s), "UTF-32 text");
}

TEST(FileKind, LeavesWhatReadersExpectToThem) {
  for (const auto& head : {"{\"a\": 1}"s, "[]"s, "version: 1"s, "\x10\0\0\0\0\0\0\0{\"a\":{}}     "s,
                           "II*\0\x08\0\0\0"s, "uid,before,after\n"s, "\x80\x02}q\x01."s, "\0\0"s})
    EXPECT_EQ(name_of(head), "unknown") << head;
}

TEST(FileKind, RefusesWithWhatToDo) {
  EXPECT_EQ(test::error_of([] { refuse_other_kind("version https://git-lfs", "model.bin", "weights"); }),
            "model.bin: expected weights, got a Git LFS pointer (fetch the file itself: git lfs pull)");
  EXPECT_EQ(test::error_of([] { refuse_other_kind("{}", "model.bin", "weights"); }), "no error");
}

}  // namespace
}  // namespace ccexpert
