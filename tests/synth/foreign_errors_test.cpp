// Foreign exceptions leave the room as Errors.
#include <stdexcept>

#include <gtest/gtest.h>

#include <ccexpert/core/error.h>

#include "support/address_sanitizer.h"
#include "support/errors.h"
#include "support/scarce_memory.h"
#include "support/temporary_folder.h"
#include "synth/shared/dataset.h"
#include "synth/shared/pair.h"

namespace ccexpert::synth {
namespace {

TEST(ForeignErrorsOfSynth, APairThatDoesNotFitIsAnError) {
  // With its first image, OpenCV registers the drivers of GDAL, which leaks if memory runs out.
  generate_pair({.size = 128}, 0);
  EXPECT_GT(test::expect_errors_without_memory([] { describe_pair({}, 0); }), 0);
  const auto generate = [] {
    const auto pair = generate_pair({.size = 128}, 0);
    EXPECT_EQ(pair.before.width, 128);
    EXPECT_EQ(pair.after.width, 128);
  };
  const test::LeaksAreForeign opencv;  // its JPEG encoder leaks if memory runs out
  EXPECT_GT(test::expect_errors_without_memory(generate), 0);
}

TEST(ForeignErrorsOfSynth, ThoseOfACallbackOnAnotherThreadToo) {
  const test::TemporaryFolder folder;
  const DatasetOptions options{.pairs = 10, .size = 128, .jobs = 2};
  const auto done = [](int64_t) { throw std::runtime_error("the callback"); };
  EXPECT_EQ(test::error_of([&] { write_dataset(folder / "d", options, done); }),
            "internal error: the callback (please report the command and its input)");
}

}  // namespace
}  // namespace ccexpert::synth
