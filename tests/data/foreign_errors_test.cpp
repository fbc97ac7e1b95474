// Foreign exceptions leave the room as Errors.
#include <stdexcept>

#include <gtest/gtest.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/pairs.h>

#include "data/loader_fixture.h"
#include "data/shared/csv.h"
#include "data/shared/data_list.h"
#include "data/shared/predictions.h"
#include "support/errors.h"
#include "support/scarce_memory.h"
#include "support/temporary_folder.h"

namespace ccexpert::data {
namespace {

using test::expect_errors_without_memory;

class ForeignErrorsOfData : public LoaderFixture {
 protected:
  const test::TemporaryFolder lists_;
};

TEST_F(ForeignErrorsOfData, AListThatDoesNotFitIsAnError) {
  const std::string blanks(2000, '\n');
  const auto csv = lists_.write("pairs.csv", "uid,before,after\n1,a,b\n" + std::string(2000, 'c') + ",d,e\n");
  const std::string entry = R"({"uid": 1, "img1_path": "a", "img2_path": "b", "change_caption": "x"})";
  const auto json = lists_.write("list.json", entry + blanks);
  const auto yaml = lists_.write("list.yaml", "datasets:\n- json_path: list.json\n  captions: first:1\n");
  EXPECT_GT(expect_errors_without_memory([&] { read_pair_list(csv); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { read_pair_list(json); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { read_change_dataset(json); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { read_data_list(yaml); }), 0);
}

TEST_F(ForeignErrorsOfData, PredictionsThatDoNotFitAreAnError) {
  const auto file = lists_ / "p.jsonl";
  Prediction prediction;
  prediction.pair = {"u", "a", "b"};
  prediction.caption = std::string(2000, 'x');
  const auto resumed = [&] {
    PredictionWriter writer(file, PredictionFormat::kJsonLines, ExistingOutput::kResume, "run");
    writer.write({&prediction, 1});
  };
  resumed();
  EXPECT_GT(expect_errors_without_memory(resumed), 0);
}

TEST_F(ForeignErrorsOfData, AMicroBatchThatDoesNotFitIsNotLeftOut) {
  test::tiny_tokenizer();  // loaded once, with JSON
  int64_t skipped = 0;
  const auto errors = expect_errors_without_memory([&] {
    auto batches = loader(skipping());
    batches.next();
    skipped += batches.skipped();
  });
  EXPECT_GT(errors, 0);
  EXPECT_EQ(skipped, 0);
}

TEST_F(ForeignErrorsOfData, TheCallersExceptionIsAnErrorToo) {
  const auto visit = [](CsvRow&&, size_t) { throw std::out_of_range("the visitor\nand more"); };
  EXPECT_EQ(test::error_of([&] { visit_csv("a,b\n", "l.csv", visit); }),
            "internal error: the visitor (please report the command and its input)");
}

}  // namespace
}  // namespace ccexpert::data
