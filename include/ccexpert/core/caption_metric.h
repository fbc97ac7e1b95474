/// Metrics that compare one caption with others.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert {

/// Metric of a single caption. The names in configs of evaluations are aliases.
enum class CaptionMetric { kCiderD, kBleu4, kRougeL, kMeteor, kSStarM };
constexpr auto names_of(CaptionMetric) {
  return std::to_array<Name<CaptionMetric>>({{CaptionMetric::kCiderD, "cider", "cider_d"},
                                             {CaptionMetric::kBleu4, "bleu4", "bleu_4"},
                                             {CaptionMetric::kRougeL, "rouge", "rouge_l"},
                                             {CaptionMetric::kMeteor, "meteor"},
                                             {CaptionMetric::kSStarM, "sm", "s_star_m"}});
}

}  // namespace ccexpert
