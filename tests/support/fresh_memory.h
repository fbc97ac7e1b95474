/// Detection of reads from uninitialised memory in tests.
#pragma once

#include <ATen/Context.h>

namespace ccexpert::test {

/// During its lifetime, uninitialised tensors contain NaN.
class FreshMemoryIsNan {
 public:
  FreshMemoryIsNan() { at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true); }
  ~FreshMemoryIsNan() { at::globalContext().setDeterministicAlgorithms(false, false); }
  FreshMemoryIsNan(const FreshMemoryIsNan&) = delete;
  FreshMemoryIsNan& operator=(const FreshMemoryIsNan&) = delete;
};

}  // namespace ccexpert::test
