#include "core/dtype_name.h"

#include <gtest/gtest.h>

namespace ccexpert {
namespace {

TEST(DtypeName, ShortNamesStandForLongOnes) {
  EXPECT_EQ(full_dtype_name("fp32"), "float32");
  EXPECT_EQ(full_dtype_name("bf16"), "bfloat16");
  EXPECT_EQ(full_dtype_name("fp16"), "float16");
  EXPECT_EQ(full_dtype_name("float32"), "float32");
  EXPECT_EQ(full_dtype_name("int9"), "int9");
}

}  // namespace
}  // namespace ccexpert
