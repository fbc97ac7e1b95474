#include "kernels/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/environment.h"

namespace ccexpert::kernels {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(FastestPrecision, IsInt8AtEachLevel) {
  for (const auto& level : names_of(CpuLevel{})) EXPECT_EQ(fastest_precision(level.value), Precision::kInt8);
}

TEST(EngineName, IsThatOfTheForcedLevel) {
  const test::Environment level("CCEXPERT_CPU", "avx2");
  EXPECT_THAT(engine_name(Precision::kInt8), StartsWith("XNNPACK int8, "));
  EXPECT_THAT(engine_name(Precision::kBfloat16), HasSubstr(" float32 by blocks of bfloat16 weights, "));
  EXPECT_THAT(engine_name(Precision::kFloat16), HasSubstr(" float32 by blocks of float16 weights, "));
}

TEST(EngineName, IsThatOfTheTilesWithByteProducts) {
  if (machine_cpu_level() < CpuLevel::kVnni) GTEST_SKIP() << "this machine has no VNNI";
  const test::Environment level("CCEXPERT_CPU", "vnni");
  EXPECT_EQ(engine_name(Precision::kInt8), "oneDNN int8 tiles, AVX512-VNNI");
  if (multiplies_bfloat16()) {
    EXPECT_EQ(engine_name(Precision::kBfloat16), "oneDNN bfloat16, AVX512-BF16");
  }
}

TEST(EngineName, OfTheStandardIsFloat32s) {
  EXPECT_EQ(engine_name(Precision::kStandard), engine_name(Precision::kFloat32));
  EXPECT_THAT(engine_name(Precision::kFloat32), HasSubstr(" float32, "));
}

}  // namespace
}  // namespace ccexpert::kernels
