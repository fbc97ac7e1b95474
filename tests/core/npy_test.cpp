#include "core/npy.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Npy, HasTheHeaderOfNumPyAndTheValues) {
  const std::vector<float> values{1.0F, -2.5F, 3.0F, 0.0F, 5.0F, 6.0F};
  const std::vector<int64_t> shape{2, 3};
  const auto bytes = npy_bytes(values, shape);
  const size_t length = static_cast<uint8_t>(bytes[8]) + 256U * static_cast<uint8_t>(bytes[9]);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ((10 + length) % 64, 0u) << "values are aligned";
  EXPECT_THAT(bytes.substr(10, length),
              HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  EXPECT_EQ(bytes[9 + length], '\n');
  std::vector<float> read(6);
  ASSERT_EQ(bytes.size(), 10 + length + 24);
  std::memcpy(read.data(), bytes.data() + 10 + length, 24);
  EXPECT_EQ(read, values);
}

TEST(Npy, AShapeOfOneSideHasAComma) {
  const std::vector<float> values{1.0F, 2.0F};
  const std::vector<int64_t> shape{2};
  EXPECT_THAT(npy_bytes(values, shape), HasSubstr("'shape': (2,), }"));
  const std::vector<int64_t> other{3};
  EXPECT_EQ(test::error_of([&] { npy_bytes(values, other); }), "array: expected 3 values, got 2");
}

}  // namespace
}  // namespace ccexpert
