// A group of one GPU.
#include <cstdlib>

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distributed/shared/communicator.h"
#include "support/ranks.h"

namespace ccexpert::distributed {
namespace {

TEST(Nccl, OneRankOfALauncherTalksToItself) {
  if (!at::hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0) GTEST_SKIP() << "no GPU";
  const at::Device device(at::kCUDA, 0);
  const auto all = join({.launched = true, .master_port = test::free_port()}, device,
                        {.timeout = std::chrono::seconds(60)});
  EXPECT_EQ(all->size(), 1);
  const auto on_device = at::TensorOptions().device(device);
  const auto values = at::arange(7, on_device.dtype(at::kFloat));
  const auto sum = values.clone(), shard = at::empty_like(values), whole = at::empty_like(values);
  all->all_reduce_sum(sum);
  all->reduce_scatter_sum(values, shard);
  all->all_gather(shard, whole);
  EXPECT_TRUE(at::equal(sum, values));
  EXPECT_TRUE(at::equal(whole, values));
  EXPECT_THAT(all->gather_text("text"), ::testing::ElementsAre("text"));
  all->barrier();
}

TEST(Nccl, WithoutALauncherOneProcessIsAlone) {
  const auto alone = join({.launched = true}, at::kCPU, {.timeout = std::chrono::seconds(1)});
  EXPECT_EQ(alone->size(), 1);  // on a CPU, one rank needs no process group
}

}  // namespace
}  // namespace ccexpert::distributed
