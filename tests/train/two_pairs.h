// Micro-batch of two pairs, as the loader makes it.
#pragma once

#include "data/shared/loader.h"

namespace ccexpert::test {

inline data::MicroBatch two_pairs() {
  data::MicroBatch batch;
  batch.uids = {"a", "b"};
  batch.ids = {{1, 2}, {3}};
  batch.labels = {{-100, 2}, {3}};
  for (int i = 0; i < 4 * 3 * 2 * 2; ++i) batch.pixels.push_back(static_cast<float>(i) / 7.0F);
  batch.change_mask = {0.0F, 0.25F, 0.5F, 1.0F, -1.0F, -1.0F, -1.0F, -1.0F};
  for (int i = 0; i < 4 * 4 * 3; ++i) batch.classes.push_back(static_cast<float>(i) / 50.0F);
  return batch;
}

}  // namespace ccexpert::test
