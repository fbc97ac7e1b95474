#include "core/npy.h"

#include <bit>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

static_assert(std::endian::native == std::endian::little, "the header says little-endian");

std::string npy_bytes(std::span<const float> values, std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  if (std::ssize(values) != count)
    fail_expected({"array", fmt::format("{} values", count), std::to_string(values.size())});
  constexpr size_t kPrefix = 10, kAlignment = 64;  // magic, version and length of the header
  auto header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                            fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  header.append(kAlignment - (kPrefix + header.size() + 1) % kAlignment, ' ').push_back('\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(header.size() & 0xffU));
  bytes.push_back(static_cast<char>(header.size() >> 8U));
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

}  // namespace ccexpert
