#include "train/rank_figures.h"

#include <algorithm>

#include "train/packed.h"

namespace ccexpert::train {

RankFigures of_all_ranks(const RankFigures& own, distributed::Communicator& communicator, at::Device device) {
  RankFigures all;
  for (const auto& rank : gather_from_ranks(own, communicator, device)) {
    all.wait_seconds = std::max(all.wait_seconds, rank.wait_seconds);
    all.memory = std::max(all.memory, rank.memory);
    all.skipped_samples += rank.skipped_samples;
    all.contradictions += rank.contradictions;
  }
  return all;
}

}  // namespace ccexpert::train
