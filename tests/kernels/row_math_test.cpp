// Functions of rows at the ends of float32; tests of int8 products compare what is between.
#include "kernels/row_math.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>

#include <gtest/gtest.h>

namespace ccexpert::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Narrow, KeepsInfinityAndEveryNan) {
  constexpr std::array<uint32_t, 6> kBits{0x7F80'0000U, 0xFF80'0000U, 0x7F80'0001U,
                                          0x7FFF'FFFFU, 0xFFFF'FFFFU, 0x7FC0'0000U};
  for (const uint32_t bits : kBits) {
    const auto value = std::bit_cast<float>(bits);
    std::array<float, 40> row;  // whole vectors and a rest
    std::array<uint16_t, 40> narrowed;
    row.fill(value);
    narrow(row.data(), std::ssize(row), narrowed.data());
    widen(narrowed.data(), std::ssize(row), row.data());
    for (const float found : row) {
      EXPECT_EQ(std::isnan(found), std::isnan(value)) << std::hex << bits;
      if (!std::isnan(value)) {
        EXPECT_EQ(found, value);
      }
    }
  }
}

TEST(ApplyFunction, OfInfinityIsInfinity) {
  for (const auto function : {RowFunction::kGeluTanh, RowFunction::kGelu, RowFunction::kQuickGelu,
                              RowFunction::kSilu, RowFunction::kRelu}) {
    std::array<float, 40> row;
    row.fill(kInfinity);
    apply_function(function, row.data(), std::ssize(row));
    for (const float found : row) EXPECT_EQ(found, kInfinity) << static_cast<int>(function);
  }
}

}  // namespace
}  // namespace ccexpert::kernels
