// Foreign exceptions, LibTorch's among them, leave the room as Errors.
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/core/error.h>
#include <ccexpert/io/safetensors.h>

#include "support/scarce_memory.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::expect_errors_without_memory;

TEST(ForeignErrorsOfIo, AFileThatDoesNotFitIsAnError) {
  const ccexpert::test::TemporaryFolder folder;
  const auto file = folder / "f.safetensors";
  const std::vector<NamedTensor> tensors{{std::string(2000, 'x'), at::zeros({2})}};
  EXPECT_GT(expect_errors_without_memory([&] { write_safetensors(file, tensors); }), 0);
  write_safetensors(file, tensors);
  EXPECT_GT(expect_errors_without_memory([&] { open_safetensors(file); }), 0);
}

TEST(ForeignErrorsOfIo, ATensorThatLibTorchRefusesIsAnErrorOnOneLine) {
  const ccexpert::test::TemporaryFolder folder;
  const std::vector<NamedTensor> tensors{{"x", at::empty({2}, at::kMeta)}};
  try {
    write_safetensors(folder / "f", tensors);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_THAT(error.what(), ::testing::StartsWith("internal error: "));
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("Exception raised from")));
  }
}

}  // namespace
}  // namespace ccexpert::io
