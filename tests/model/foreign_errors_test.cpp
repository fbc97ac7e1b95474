// Exhausted memory leaves the room as an Error.
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>

#include "core/files.h"
#include "support/golden.h"
#include "support/scarce_memory.h"

namespace ccexpert::model {
namespace {

TEST(ForeignErrorsOfModel, AConfigThatDoesNotFitIsAnError) {
  const auto text = read_file(test::data_folder() / "checkpoint-tiny/config.json") + std::string(2000, ' ');
  const auto config = parse_model_config(text, "config.json");
  EXPECT_GT(test::expect_errors_without_memory([&] { model_config_json(config, text); }), 0);
}

}  // namespace
}  // namespace ccexpert::model
