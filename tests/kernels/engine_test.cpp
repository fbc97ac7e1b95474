#include "kernels/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/cpu_level.h"
#include "support/environment.h"

namespace ccexpert::kernels {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(FastestPrecision, IsInt8) {
  EXPECT_EQ(fastest_precision(), Precision::kInt8);
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

TEST(EngineName, HasAmxOnlyForWhatItMultiplies) {
  if (machine_cpu_level() < CpuLevel::kAmx) GTEST_SKIP() << "this machine has no AMX";
  const auto has_amx = [](Precision precision) { return engine_name(precision).ends_with("AMX-FP16"); };
  EXPECT_EQ(has_amx(Precision::kFloat16), has_instructions("amx_fp16"));
}

TEST(EngineName, OfInt4NamesBothEngines) {
  {
    const test::Environment level("CCEXPERT_CPU", "avx2");
    EXPECT_EQ(int4_engine_name(),
              engine_name(Precision::kInt8) + "; blocks in 4 bits: " + engine_name(Precision::kFloat32));
  }
  if (!multiplies_bfloat16()) GTEST_SKIP() << "this machine has no products of bfloat16";
  EXPECT_THAT(int4_engine_name(), HasSubstr("; blocks in 4 bits: oneDNN bfloat16, "));
}

TEST(EngineName, OfTheStandardIsFloat32s) {
  EXPECT_EQ(engine_name(Precision::kStandard), engine_name(Precision::kFloat32));
  EXPECT_THAT(engine_name(Precision::kFloat32), HasSubstr(" float32, "));
}

}  // namespace
}  // namespace ccexpert::kernels
