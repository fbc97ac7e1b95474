/// Section of a run's config about low-rank adaptation (LoRA).
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::train {

struct LoraSection {  ///< Keys of the section `lora`
  int64_t rank = 0;
  double alpha = 16.0;
  std::vector<std::string> targets;
  bool rslora = false;
  double dropout = 0.0;
  std::string start;
  bool int8_base = false;
  double lr_factor = 1.0;
  double weight_decay = 0.0;

  bool enabled() const { return rank > 0; }  ///< True if LoRA is trained

  static constexpr auto fields() {
    using Self = LoraSection;
    return std::tuple{
        field("rank", &Self::rank, "rank of the trained products (0: no LoRA)", in_range(0, 4096)),
        field("alpha", &Self::alpha, "the products are scaled by alpha / rank", above(0)),
        field(
            "targets", &Self::targets,
            "matrices with a product: ends of their names after a dot (q_proj), regular expressions of whole "
            "names, or all-linear (empty: all of the decoder's blocks)"),
        field("rslora", &Self::rslora, "scale by alpha / sqrt(rank) instead"),
        field("dropout", &Self::dropout, "0: there is none", in_range(0, 1)),
        field("start", &Self::start, "folder of an adapter to go on from (empty: a fresh one)"),
        field("int8_base", &Self::int8_base, "keep the frozen matrices in 8 bits, with a scale for each row"),
        field("lr_factor", &Self::lr_factor, "factor on the learning rate of the products", above(0)),
        field("weight_decay", &Self::weight_decay, "decoupled weight decay of the products", at_least(0))};
  }
};

}  // namespace ccexpert::train
