/// Choices of a run's config, with their names in files.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert::train {

/// Use of a pair's captions.
enum class CaptionChoice {
  kFlatten,        ///< every caption is a sample
  kFlattenUnique,  ///< the same, but equal captions of a pair count once
  kRandomChoice,   ///< one caption is drawn per pair and epoch
};
constexpr auto names_of(CaptionChoice) {
  return std::to_array<Name<CaptionChoice>>({{CaptionChoice::kFlatten, "flatten"},
                                             {CaptionChoice::kFlattenUnique, "flatten_unique"},
                                             {CaptionChoice::kRandomChoice, "random_choice"}});
}

/// Captions that a stage learns from.
enum class StageObjective {
  kCrossEntropy,  ///< the captions of the data
  kSelfCritical,  ///< captions that the model draws, by their reward
};
constexpr auto names_of(StageObjective) {
  return std::to_array<Name<StageObjective>>(
      {{StageObjective::kCrossEntropy, "cross_entropy"}, {StageObjective::kSelfCritical, "self_critical"}});
}

/// Handling of samples that cannot be read or are too long.
enum class Unreadable { kError, kSkip };
constexpr auto names_of(Unreadable) {
  return std::to_array<Name<Unreadable>>({{Unreadable::kError, "error"}, {Unreadable::kSkip, "skip"}});
}

/// Course of the learning rate after the warm-up.
enum class Decay { kCosine, kConstant };
constexpr auto names_of(Decay) {
  return std::to_array<Name<Decay>>({{Decay::kCosine, "cosine"}, {Decay::kConstant, "constant"}});
}

/// Metric that selects the best checkpoint.
enum class Metric { kSStarM, kLoss, kChangeAccuracy, kBleu4, kMeteor, kRougeL, kCiderD };
constexpr auto names_of(Metric) {
  return std::to_array<Name<Metric>>({{Metric::kSStarM, "s_star_m"},
                                      {Metric::kLoss, "loss"},
                                      {Metric::kChangeAccuracy, "change_accuracy"},
                                      {Metric::kBleu4, "bleu_4"},
                                      {Metric::kMeteor, "meteor"},
                                      {Metric::kRougeL, "rouge_l"},
                                      {Metric::kCiderD, "cider_d"}});
}

}  // namespace ccexpert::train
