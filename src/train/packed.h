// Structs of named numbers that ranks exchange in one tensor. Such a struct lists its fields once:
//
//     static constexpr auto fields() { return std::tuple{&Totals::tokens, &Totals::pairs}; }
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>
#include <vector>

#include <ATen/ATen.h>

#include "distributed/shared/communicator.h"

namespace ccexpert::train {

/// Number of fields of a struct.
template <class Numbers>
inline constexpr int64_t kFields = std::tuple_size_v<decltype(Numbers::fields())>;

/// Returns the fields as float64 [kFields] on the CPU. Integers are exact up to 2^53.
template <class Numbers>
at::Tensor pack(const Numbers& numbers) {
  const auto values = [&](auto... field) {
    return std::vector<double>{static_cast<double>(numbers.*field)...};
  };
  return at::tensor(std::apply(values, Numbers::fields()), at::kDouble);
}

/// Returns the struct of which `packed` [kFields] holds the fields. Waits for the device.
template <class Numbers>
Numbers unpack(const at::Tensor& packed) {
  Numbers numbers;
  const auto values = packed.to(at::kCPU, at::kDouble).contiguous();
  const auto* next = values.template const_data_ptr<double>();
  const auto assign = [&](auto field) {
    numbers.*field = static_cast<std::remove_reference_t<decltype(numbers.*field)>>(*next++);
  };
  std::apply([&](auto... field) { (assign(field), ...); }, Numbers::fields());
  return numbers;
}

/// Returns the sum of each field over all ranks. All ranks call it.
template <class Numbers>
Numbers sum_over_ranks(const Numbers& own, distributed::Communicator& communicator, at::Device device) {
  if (communicator.size() == 1) return own;
  const auto sums = pack(own).to(device);
  communicator.all_reduce_sum(sums);
  return unpack<Numbers>(sums);
}

/// Returns the structs of all ranks in rank order. All ranks call it.
template <class Numbers>
std::vector<Numbers> gather_from_ranks(const Numbers& own, distributed::Communicator& communicator,
                                       at::Device device) {
  if (communicator.size() == 1) return {own};
  // Each rank fills its own row, so that one all-reduce gathers all rows.
  auto rows = at::zeros({communicator.size(), kFields<Numbers>}, at::kDouble);
  rows[communicator.rank()].copy_(pack(own));
  rows = rows.to(device);
  communicator.all_reduce_sum(rows);
  rows = rows.to(at::kCPU);
  std::vector<Numbers> all;
  for (int64_t rank = 0; rank < rows.size(0); ++rank) all.push_back(unpack<Numbers>(rows[rank]));
  return all;
}

}  // namespace ccexpert::train
