// Foreign exceptions leave the room as Errors.
#include <stdexcept>

#include <gtest/gtest.h>

#include <ccexpert/train/session.h>

#include "support/errors.h"
#include "support/scarce_memory.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

TEST(ForeignErrorsOfTrain, AConfigThatDoesNotFitIsAnError) {
  const test::TemporaryFolder folder;
  const auto file = folder.write(
      "run.yaml", "name: " + std::string(2000, 'n') + "\noutput: run\nmodel: {start: m}\ndata: {train: d}\n");
  EXPECT_GT(test::expect_errors_without_memory([&] { read_train_config(file, {}); }), 0);
}

TEST(ForeignErrorsOfTrain, AnExceptionOfTheCallersFunctionIsAnError) {
  const test::TemporaryFolder folder;
  const auto config = test::tiny_config(folder, folder / "pairs.json");
  Session session({config});
  const auto refuse = [](RunPhase) { throw std::out_of_range("the phase\nand more"); };
  EXPECT_EQ(test::error_of([&] { session.train(config, {.on_phase = refuse}); }),
            "internal error: the phase (please report the command and its input)");
}

}  // namespace
}  // namespace ccexpert::train
