// Foreign exceptions leave the room as Errors.
#include <cstdlib>
#include <string>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distributed/shared/communicator.h"
#include "support/errors.h"
#include "support/scarce_memory.h"

namespace ccexpert::distributed {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ForeignErrorsOfDistributed, LibTorchsExceptionIsAnErrorOfOneSentence) {
  const auto process = single_process();
  const auto three = at::zeros({3}), four = at::zeros({4});
  const auto is_one_sentence =
      AllOf(StartsWith("internal error: "), HasSubstr("size"), Not(HasSubstr("Exception raised from")));
  EXPECT_THAT(error_of([&] { process->reduce_scatter_sum(four, three); }), is_one_sentence);
  EXPECT_THAT(error_of([&] { process->all_gather(three, four); }), is_one_sentence);
}

TEST(ForeignErrorsOfDistributed, AnEnvironmentThatDoesNotFitIsAnError) {
  ::setenv("RANK", "0", 1);
  ::setenv("WORLD_SIZE", "1", 1);
  ::setenv("CCEXPERT_RUN", std::string(2000, 'r').c_str(), 1);
  EXPECT_GT(test::expect_errors_without_memory([] { rank_from_environment(); }), 0);
  for (const char* name : {"RANK", "WORLD_SIZE", "CCEXPERT_RUN"}) ::unsetenv(name);
}

}  // namespace
}  // namespace ccexpert::distributed
