#include "train/rank_figures.h"

#include <ATen/ATen.h>

namespace ccexpert::train {

RankFigures of_all_ranks(const RankFigures& own, distributed::Communicator& communicator, at::Device device) {
  if (communicator.size() == 1) return own;
  // Each rank fills its own row, so that one all-reduce gathers all rows.
  auto rows = at::zeros({communicator.size(), 4}, at::kDouble);
  rows[communicator.rank()].copy_(
      at::tensor({own.wait_seconds, own.memory, static_cast<double>(own.skipped_samples),
                  static_cast<double>(own.contradictions)},
                 at::kDouble));
  rows = rows.to(device);
  communicator.all_reduce_sum(rows);
  const auto sum_of = [&](int64_t column) {
    return static_cast<int64_t>(rows.select(1, column).sum().item<double>());
  };
  const auto most = std::get<0>(rows.to(at::kCPU).max(0));
  return {.wait_seconds = most[0].item<double>(),
          .memory = most[1].item<double>(),
          .skipped_samples = sum_of(2),
          .contradictions = sum_of(3)};
}

}  // namespace ccexpert::train
