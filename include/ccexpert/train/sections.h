/// Parts of a run's config that the parts of training use themselves.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include <ccexpert/core/fields.h>

namespace ccexpert::train {

/// What holds for the parameters whose names match a pattern.
struct ParameterRule {
  std::string pattern = "*";
  double lr_factor = 1.0;
  double weight_decay = 0.0;

  static constexpr auto fields() {
    using Self = ParameterRule;
    return std::tuple{field("pattern", &Self::pattern, "parameter names; * stands for any characters"),
                      field("lr_factor", &Self::lr_factor, "times the learning rate (0: frozen)"),
                      field("weight_decay", &Self::weight_decay, "decoupled weight decay of AdamW")};
  }
};

/// Weights of the losses. The paper's recipes use captions alone.
struct LossSection {
  double caption = 1.0;
  double mask = 0.0;
  double classes = 0.0;
  double tokens = 0.0;
  int64_t class_count = 7;

  bool auxiliary() const { return mask > 0.0 || classes > 0.0 || tokens > 0.0; }
  bool needs_classes() const { return classes > 0.0 || tokens > 0.0; }

  static constexpr auto fields() {
    using Self = LossSection;
    return std::tuple{
        field("caption", &Self::caption,
              "weight of the captions' cross-entropy (0: the decoder does not run)"),
        field("mask", &Self::mask,
              "weight of telling from Q*, patch by patch, what changed (needs mask_path in the data)"),
        field("classes", &Self::classes,
              "weight of telling from the vision features which classes a patch shows (needs classes1_path "
              "and classes2_path)"),
        field("tokens", &Self::tokens,
              "weight of telling both from the projected image tokens, which the decoder reads (needs masks "
              "and "
              "class maps)"),
        field("class_count", &Self::class_count, "classes of the class maps")};
  }
};

}  // namespace ccexpert::train
