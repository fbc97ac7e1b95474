#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/parts.h>

#include "model/tiny_checkpoint.h"
#include "support/errors.h"

namespace ccexpert::model {
namespace {

using ::testing::UnorderedElementsAre;

std::set<Part> parts_of(const torch::nn::Module& model) {
  std::set<Part> parts;
  for (const auto& item : model.named_parameters()) parts.insert(part_of(item.key()));
  return parts;
}

TEST(PartOf, EveryParameterOfAModelWithADiffExpertHasAPart) {
  EXPECT_THAT(parts_of(*test::build(test::open_tiny())),
              UnorderedElementsAre(Part::kVision, Part::kDiffExpert, Part::kWeighting, Part::kProjector,
                                   Part::kDecoder, Part::kHead));
}

TEST(PartOf, EveryParameterOfALlavaHfModelHasAPart) {
  const auto model = test::build(test::open_tiny("checkpoint-tiny-hf"));
  auto expected = std::set{Part::kVision, Part::kProjector, Part::kImageNewline, Part::kDecoder};
  if (!model->decoder().tied()) expected.insert(Part::kHead);
  EXPECT_EQ(parts_of(*model), expected);
}

TEST(PartOf, IsToldByTheWholePrefix) {
  EXPECT_EQ(part_of("model.vision_resampler.layers.0.norm1.weight"), Part::kDiffExpert);
  EXPECT_EQ(part_of("model.vision_resampler.ChangeAwareTokenReduce.x"), Part::kWeighting);
  EXPECT_EQ(part_of("model.embed_tokens.weight"), Part::kDecoder);
  EXPECT_EQ(part_of("model.norm.weight"), Part::kDecoder);
  EXPECT_EQ(part_of("lm_head.weight"), Part::kHead);
}

TEST(PartOf, AnUnknownNameIsAnError) {
  for (const char* name : {"", "auxiliary.change.weight", "model.layersx", "model.image_newline.weight"}) {
    EXPECT_EQ(find_part(name), std::nullopt) << name;
  }
  EXPECT_EQ(test::error_of([] { part_of("model.mystery.weight"); }),
            "weight: expected a name of the model's layout, got model.mystery.weight");
}

}  // namespace
}  // namespace ccexpert::model
