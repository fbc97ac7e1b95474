#include "model/shared/blocks.h"

#include <gtest/gtest.h>

namespace ccexpert::model {
namespace {

TEST(BlockOf, IsTheModuleOfTheBlock) {
  EXPECT_EQ(block_of("model.layers.12.self_attn.q_proj.weight"), "model.layers.12");
  EXPECT_EQ(block_of("model.vision_resampler.layers.0.norm1.bias"), "model.vision_resampler.layers.0");
  EXPECT_EQ(block_of("model.vision_tower.vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight"),
            "model.vision_tower.vision_tower.vision_model.encoder.layers.3");
}

TEST(BlockOf, IsEmptyOutsideOfBlocks) {
  for (const char* name :
       {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight", "model.mm_projector.0.weight",
        "model.layers.weight", "model.layers.1", "model.layers.x.weight", "auxiliary.mask.weight", ""})
    EXPECT_EQ(block_of(name), "") << name;
}

}  // namespace
}  // namespace ccexpert::model
