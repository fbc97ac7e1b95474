#include "kernels/cpu_level.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::kernels {
namespace {

using test::error_of;

TEST(CpuLevel, IsTheMachinesUnlessALowerOneIsWanted) {
  EXPECT_EQ(chosen_cpu_level(nullptr, CpuLevel::kVnni), CpuLevel::kVnni);
  EXPECT_EQ(chosen_cpu_level("", CpuLevel::kAvx2), CpuLevel::kAvx2);
  EXPECT_EQ(chosen_cpu_level("avx2", CpuLevel::kVnni), CpuLevel::kAvx2);
  EXPECT_EQ(chosen_cpu_level("vnni", CpuLevel::kVnni), CpuLevel::kVnni);
}

TEST(CpuLevel, RefusesALevelThatTheMachineLacks) {
  EXPECT_EQ(error_of([] { chosen_cpu_level("amx", CpuLevel::kAvx512); }),
            "CCEXPERT_CPU: expected at most avx512, got amx (this processor or this system has no more)");
}

TEST(CpuLevel, RefusesAnUnknownName) {
  EXPECT_EQ(error_of([] { chosen_cpu_level("sse2", CpuLevel::kAmx); }),
            "CCEXPERT_CPU: expected avx2, avx512, vnni or amx, got sse2");
}

}  // namespace
}  // namespace ccexpert::kernels
