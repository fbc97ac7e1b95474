// Names of weights in the authors' layout, which are the model's own names.
#pragma once

#include <string_view>

namespace ccexpert::model::weight_names {

/// Prefixes of parts. The checkpoint's names repeat the tower.
inline constexpr std::string_view kVisionTower = "model.vision_tower.";
inline constexpr std::string_view kSiglip = "model.vision_tower.vision_tower.vision_model.";
inline constexpr std::string_view kSiglipBlocks =
    "model.vision_tower.vision_tower.vision_model.encoder.layers.";
inline constexpr std::string_view kDiffExpert = "model.vision_resampler.";
inline constexpr std::string_view kDiffExpertBlocks = "model.vision_resampler.layers.";
inline constexpr std::string_view kWeighting = "model.vision_resampler.ChangeAwareTokenReduce.";
/// Projector of an earlier version of the authors' code; stored by some checkpoints, never used.
inline constexpr std::string_view kEarlierProjector = "model.mm_cc_projector.";
inline constexpr std::string_view kProjector = "model.mm_projector.";
inline constexpr std::string_view kProjectorIn = "model.mm_projector.0.";
inline constexpr std::string_view kProjectorOut = "model.mm_projector.2.";
inline constexpr std::string_view kEmbedding = "model.embed_tokens.";
inline constexpr std::string_view kDecoderBlocks = "model.layers.";
inline constexpr std::string_view kDecoderNorm = "model.norm.";
inline constexpr std::string_view kHead = "lm_head.";
/// Prefix of everything but the head.
inline constexpr std::string_view kTrunk = "model.";

/// Whole names.
inline constexpr std::string_view kPositions =
    "model.vision_tower.vision_tower.vision_model.embeddings.position_embedding.weight";
inline constexpr std::string_view kClassEmbedding =
    "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding";
inline constexpr std::string_view kImageNewline = "model.image_newline";
inline constexpr std::string_view kEmbeddingWeight = "model.embed_tokens.weight";
inline constexpr std::string_view kHeadWeight = "lm_head.weight";

}  // namespace ccexpert::model::weight_names
