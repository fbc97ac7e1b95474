// Checkpoints with weights of 8 bits, as written and as loaded.
#include "generate/shared/quantize.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/change_calibration.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_folder;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;

class Quantize : public ::testing::Test {
 protected:
  std::filesystem::path to() const { return folder_.path() / "int8"; }
  test::TemporaryFolder folder_;
};

TEST_F(Quantize, WritesAModelWithTheCaptionsOfInt8) {
  quantize_checkpoint({.from = tiny_folder(), .to = to()});
  const auto written = Captioner::load(to(), {.device = "cpu"});
  const auto expected = Captioner::load(tiny_folder(), {.device = "cpu", .dtype = Precision::kInt8});
  EXPECT_THAT(written.description(), HasSubstr(" int8 on cpu"));
  const PaintedPairs pairs(3);
  const auto captions = written.caption(pairs.views()), others = expected.caption(pairs.views());
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(captions[i].token_ids, others[i].token_ids);
    EXPECT_EQ(captions[i].logprob, others[i].logprob);
  }
}

TEST_F(Quantize, CopiesTheCalibrationOfScores) {
  const ChangeCalibration calibration{.slope = 7.0, .offset = -1.0, .threshold = 0.25, .pairs = 9};
  std::filesystem::copy(tiny_folder(), folder_ / "tiny");
  write_file(folder_ / "tiny" / kChangeScoreFile, to_json_text(calibration));
  quantize_checkpoint({.from = folder_ / "tiny", .to = to()});
  EXPECT_EQ(read_file(to() / kChangeScoreFile), to_json_text(calibration));
}

TEST_F(Quantize, ReportsTheErrorOfEachMatrix) {
  const auto errors = quantize_checkpoint({.from = tiny_folder(), .to = to()}).matrices;
  EXPECT_THAT(errors, Contains(Field(&MatrixError::name, "model.layers.0.mlp.down_proj.weight")));
  for (const auto& each : errors) {
    EXPECT_GT(each.weights, 1e-4) << each.name;
    EXPECT_LT(each.weights, 0.02) << each.name;
  }
  EXPECT_THAT(errors, Each(Field(&MatrixError::output, std::nullopt)));
}

TEST_F(Quantize, MeasuresProductsOnSamplePairs) {
  const PaintedPairs pairs(1);
  const auto report = quantize_checkpoint({.from = tiny_folder(), .to = to(), .samples = pairs.views()});
  const auto& errors = report.matrices;
  for (const auto& each : errors) {
    if (each.name == "model.embed_tokens.weight") continue;  // not a product
    ASSERT_TRUE(each.output) << each.name;
    EXPECT_GT(*each.output, 1e-4) << each.name;
    EXPECT_LT(*each.output, 0.1) << each.name;
  }
}

TEST_F(Quantize, ComparesLogitsOnSamplePairs) {
  EXPECT_FALSE(quantize_checkpoint({.from = tiny_folder(), .to = to()}).logits);
  const PaintedPairs pairs(2);
  const auto logits =
      quantize_checkpoint({.from = tiny_folder(), .to = folder_.path() / "more", .samples = pairs.views()})
          .logits;
  ASSERT_TRUE(logits);
  EXPECT_GT(logits->tokens, 2);
  EXPECT_GT(logits->least_cosine, 0.98);
  EXPECT_LT(logits->least_cosine, logits->mean_cosine);
  EXPECT_LT(logits->mean_cosine, 0.9999999) << "otherwise nothing was quantised";
  EXPECT_GT(logits->same_choice, 0.5);
  EXPECT_LE(logits->same_choice, 1.0);
}

TEST_F(Quantize, ComparesTheLogitsOfBfloat16IfAsked) {
  const PaintedPairs pairs(1);
  const auto report = quantize_checkpoint(
      {.from = tiny_folder(), .to = to(), .samples = pairs.views(), .beside_bfloat16 = true});
  const auto& logits = report.bfloat16_logits;
  ASSERT_TRUE(logits);
  EXPECT_EQ(logits->tokens, report.logits.value().tokens);
  EXPECT_GT(logits->least_cosine, 0.99);
  EXPECT_LT(logits->mean_cosine, 0.9999999) << "otherwise it was float32";
  EXPECT_NE(logits->mean_cosine, report.logits.value().mean_cosine);
}

TEST_F(Quantize, CountsTensors) {
  int64_t calls = 0, last = 0, all = 0;
  quantize_checkpoint({.from = tiny_folder(), .to = to(), .progress = [&](int64_t done, int64_t total) {
                         ++calls;
                         last = done;
                         all = total;
                       }});
  EXPECT_GT(all, 0);
  EXPECT_EQ(calls, all);
  EXPECT_EQ(last, all);
}

TEST_F(Quantize, RefusesAModelOfInt8AndItsOwnFolder) {
  quantize_checkpoint({.from = tiny_folder(), .to = to()});
  EXPECT_EQ(error_of([&] { quantize_checkpoint({.from = to(), .to = folder_.path() / "again"}); }),
            to().string() + ": expected a floating-point checkpoint, got one of int8 weights");
  EXPECT_EQ(error_of([&] { quantize_checkpoint({.from = to(), .to = to()}); }),
            "quantised model: expected a folder other than the checkpoint's, got " + to().string());
}

TEST_F(Quantize, RefusesAFolderWithAnAdapterBeforeAnyWork) {
  folder_.write("int8/adapter_config.json", "{}");
  EXPECT_EQ(error_of([&] { quantize_checkpoint({.from = folder_.path() / "gone", .to = to()}); }),
            to().string() +
                ": expected a folder without a LoRA adapter, which would be merged into the model, got one "
                "with it");
}

TEST_F(Quantize, Int8TakesTheCpuIfTheDeviceIsFree) {
  EXPECT_THAT(Captioner::load(tiny_folder(), {.dtype = Precision::kInt8}).description(),
              HasSubstr(" int8 on cpu"));
}

TEST_F(Quantize, WritesBlocksOfInt4) {
  const auto errors =
      quantize_checkpoint({.from = tiny_folder(), .to = to(), .blocks = model::BlockWeights::kInt4}).matrices;
  std::map<std::string, double> weights;
  for (const auto& error : errors) weights[error.name] = error.weights;
  EXPECT_GT(weights.at("model.layers.0.mlp.down_proj.weight"), 0.03);
  EXPECT_LT(weights.at("lm_head.weight"), 0.02);
  EXPECT_THAT(test::content(to() / "config.json"), HasSubstr("int4, one scale for each 32 inputs"));
  const auto int4 = Captioner::load(to(), {.device = "cpu"});
  EXPECT_THAT(int4.description(), HasSubstr(" int4 on cpu"));
  const PaintedPairs pairs(2);
  const auto captions = int4.caption(pairs.views());
  for (const auto& caption : captions) EXPECT_FALSE(caption.token_ids.empty());
  EXPECT_EQ(error_of([&] { Captioner::load(to(), {.device = "cpu", .dtype = Precision::kFloat32}); }),
            "dtype: expected int8 for a checkpoint of int8 weights, got float32");
}

TEST_F(Quantize, AnInt8ModelHasNoOtherPrecision) {
  quantize_checkpoint({.from = tiny_folder(), .to = to()});
  EXPECT_EQ(error_of([&] { Captioner::load(to(), {.device = "cpu", .dtype = Precision::kFloat32}); }),
            "dtype: expected int8 for a checkpoint of int8 weights, got float32");
}

}  // namespace
}  // namespace ccexpert::generate
