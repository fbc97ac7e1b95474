/// Lets a test see what reads memory that nothing has written.
#pragma once

#include <ATen/Context.h>

namespace ccexpert::test {

/// While one lives, tensors without values hold NaN.
class FreshMemoryIsNan {
 public:
  FreshMemoryIsNan() { at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true); }
  ~FreshMemoryIsNan() { at::globalContext().setDeterministicAlgorithms(false, false); }
  FreshMemoryIsNan(const FreshMemoryIsNan&) = delete;
  FreshMemoryIsNan& operator=(const FreshMemoryIsNan&) = delete;
};

}  // namespace ccexpert::test
