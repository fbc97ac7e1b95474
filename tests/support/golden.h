// Golden arrays of the reference implementation, and tolerances.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/io/safetensors.h>

#include "support/paths.h"

namespace ccexpert::test {

/// Allowed difference from the reference: |x - y| <= absolute + relative * |y|.
struct Tolerance {
  double absolute;
  double relative;
};

/// Float32 activations and logits: the reference's own noise between two orders of summation is below 2e-6; a
/// wrong epsilon or activation shows from 1e-3 on.
constexpr Tolerance kActivation{1e-4, 1e-4};
/// Gradients pass through the whole network twice.
constexpr Tolerance kGradient{1e-3, 1e-3};

inline std::filesystem::path data_folder() {
  return test::kTestData;
}

/// Succeeds if every element is within tolerance; else reports the place and size of the worst difference.
inline ::testing::AssertionResult close(const at::Tensor& actual, const at::Tensor& expected,
                                        Tolerance tolerance = kActivation) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure() << "shape " << actual.sizes() << ", expected " << expected.sizes();
  }
  const auto a = actual.detach().to(at::kCPU, at::kDouble);
  const auto e = expected.to(at::kCPU, at::kDouble);
  const auto excess = (a - e).abs() - (tolerance.absolute + tolerance.relative * e.abs());
  // A NaN compares false with everything, so the test is "all within", not "any beyond".
  if (excess.numel() == 0 || excess.le(0).all().item<bool>()) return ::testing::AssertionSuccess();
  const auto worst = excess.flatten().nan_to_num(1e300).argmax().item<int64_t>();
  return ::testing::AssertionFailure() << "element " << worst << " is " << a.flatten()[worst].item<double>()
                                       << ", expected " << e.flatten()[worst].item<double>();
}

}  // namespace ccexpert::test
