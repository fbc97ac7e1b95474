/// Section of a run's config about training by reward.
#pragma once

#include <cstdint>
#include <tuple>

#include <ccexpert/core/caption_metric.h>
#include <ccexpert/core/fields.h>
#include <ccexpert/generate/options.h>

namespace ccexpert::train {

/// Self-critical training (Rennie et al., 2017; Luo, 2020): the model draws captions of each pair and learns
/// from them by their reward minus the mean reward of the pair's captions.
struct SelfCriticalSection {
  int64_t samples = 5;
  CaptionMetric metric = CaptionMetric::kCiderD;
  double temperature = 1.0;
  int64_t max_new_tokens = 64;

  static constexpr auto fields() {
    using Self = SelfCriticalSection;
    return std::tuple{
        field("samples", &Self::samples, "captions drawn of each pair; their mean reward is the baseline",
              in_range(2, 1024)),
        field("metric", &Self::metric,
              "reward of a caption against all captions of its pair; CIDEr-D's document frequencies are the "
              "training data's"),
        field("temperature", &Self::temperature, "softmax temperature of the drawn captions",
              in_range(open(0), 1000)),
        field("max_new_tokens", &Self::max_new_tokens,
              "maximum number of tokens of a drawn caption, including the end token",
              in_range(1, generate::kMostNewTokens))};
  }
};

}  // namespace ccexpert::train
