#include "generate/keyed_hash.h"

#include <array>

#include <gtest/gtest.h>

namespace ccexpert::generate {
namespace {

TEST(KeyedHash, EqualBytesHaveEqualHashesUnderOneKeyOnly) {
  const KeyedHash hash, other;
  const std::array<float, 3> pixels{0.0F, 0.5F, 1.0F}, same = pixels;
  EXPECT_EQ(hash(pixels.data(), sizeof pixels), hash(same.data(), sizeof same));
  EXPECT_NE(hash(pixels.data(), sizeof pixels), hash(pixels.data(), sizeof pixels - 1));
  EXPECT_NE(hash(pixels.data(), sizeof pixels), other(pixels.data(), sizeof pixels));
}

}  // namespace
}  // namespace ccexpert::generate
