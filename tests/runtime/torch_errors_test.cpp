#include "runtime/torch_errors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::runtime {
namespace {

template <class Work>
std::string error_of(Work&& work) {
  return test::error_of([&] { with_one_error_type("take less", work); });
}

TEST(TorchErrors, ALackOfMemoryIsNamedWhereverItShows) {
  const std::string expected = "memory: not enough for this model and batch (take less)";
  EXPECT_EQ(error_of([] { return at::empty({int64_t{1} << 46}); }), expected);
  EXPECT_EQ(error_of([]() -> int { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried"); }),
            expected);
  EXPECT_EQ(error_of([]() -> int { throw std::bad_alloc(); }), expected);
  EXPECT_EQ(error_of([]() -> int { throw Fault("memory: not enough is free", ErrorKind::kResource); }),
            expected);
}

TEST(TorchErrors, OtherProblemsAreOneSentence) {
  const auto text = error_of([] { return at::zeros({2, 3}).matmul(at::zeros({2, 3})); });
  EXPECT_EQ(text.find("internal error: mat1 and mat2 shapes cannot be multiplied"), 0u) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_EQ(error_of([]() -> int { throw Fault("other", ErrorKind::kInternal); }), "other");
  EXPECT_EQ(error_of([]() -> int { throw std::runtime_error("reason"); }),
            "internal error: reason (please report the command and its input)");
}

TEST(TorchErrors, AssertionsOfLibTorchAreNotItsSourcesPlaces) {
  const auto text = error_of([]() -> int { TORCH_INTERNAL_ASSERT(false, "the reason"); });
  EXPECT_EQ(text.find("internal error: the reason"), 0u) << text;
  EXPECT_EQ(text.find("PyTorch"), std::string::npos) << text;
}

TEST(TorchErrors, WhatIsReturnedComesOut) {
  EXPECT_EQ(with_one_error_type("", [] { return 7; }), 7);
}

}  // namespace
}  // namespace ccexpert::runtime
