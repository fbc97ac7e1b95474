#include "generate/shared/caption_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/parts.h>

#include "core/files.h"
#include "generate/shared/caption_precision.h"
#include "model/shared/blocks.h"
#include "model/shared/decoder_part.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

constexpr int64_t kMostRanks = 64;
constexpr double kGigabyte = 1e9;
/// Text tokens of the reference question.
constexpr int64_t kPromptTokens = 64;

double number(int64_t value) {
  return static_cast<double>(value);
}

Precision precision_of(const CaptionerConfig& config, int64_t ranks) {
  const auto type = config.device.is_cpu() ? at::kCPU : at::kCUDA;
  const auto precision = caption_precision(config.dtype, type, ranks);
  if (precision == Precision::kInt8) {
    fail_expected({"--plan", "dtype float32, bfloat16 or float16",
                   config.dtype == precision ? "int8" : "auto, which is int8 on a CPU"});
  }
  if (precision != Precision::kStandard) return precision;
  return type == at::kCPU ? Precision::kFloat32 : Precision::kBfloat16;
}

double bytes_of(Precision precision) {
  return precision == Precision::kFloat32 ? 4.0 : 2.0;
}

model::ModelConfig config_in(const std::filesystem::path& model) {
  const auto file = io::resolve_folder(model) / "config.json";
  return model::parse_model_config(read_file(file), file.string());
}

bool can_share(const model::DecoderConfig& config, int64_t ranks) {
  return config.num_attention_heads % ranks == 0 && config.num_key_value_heads % ranks == 0 &&
         config.intermediate_size % ranks == 0;
}

/// Memory of one model by numbers of ranks.
class Memory {
 public:
  Memory(const model::ModelConfig& config, const CaptionPlanRequest& request, const CaptionPlan& plan)
      : config_(config),
        plan_(plan),
        bytes_(bytes_of(plan.precision)),
        features_(number(request.captioner.feature_cache)),
        tokens_(2 * config.image_tokens() + kPromptTokens),
        decoding_(decoding_config(request.generation, {})) {}

  CaptionPlanChoice of(int64_t ranks) const {
    CaptionMemory other{.weights = bytes_ * number(plan_.shared) / number(ranks),
                        .caches = caches() / number(ranks),
                        .activations = activations(/*with_images=*/false, ranks)};
    auto first = other;
    first.weights += bytes_ * number(plan_.whole);
    first.features = features_;
    first.activations = activations(/*with_images=*/true, ranks);
    return {ranks, first, other};
  }

 private:
  /// The sequences of minimum-Bayes-risk decoding are those of one pair beside all prompts.
  double caches() const {
    const auto& decoder = config_.decoder;
    const int64_t more = decoding_.mbr > 0 ? decoding_.mbr + 1 : 0;
    const int64_t rows = plan_.pairs * std::max<int64_t>(1, decoding_.beams) + more;
    const int64_t width = decoder.num_key_value_heads * decoder.head_width();
    return bytes_ * 2.0 * number(decoder.num_hidden_layers * width) *
           number(rows * (tokens_ + decoding_.max_new_tokens));
  }

  /// No backward pass follows, so one block at a time keeps its values.
  double activations(bool with_images, int64_t ranks) const {
    auto config = config_;
    config.decoder = model::config_of_part(config.decoder, ranks);
    double largest = 0.0;
    for (const auto& cost : model::part_costs(config, {plan_.pairs, plan_.pairs * tokens_})) {
      if (with_images || cost.part == model::Part::kDecoder) largest = std::max(largest, cost.kept.block);
    }
    return bytes_ * largest;
  }

  const model::ModelConfig& config_;
  const CaptionPlan& plan_;
  double bytes_;
  double features_;
  int64_t tokens_;
  DecodingConfig decoding_;
};

void count_weights(CaptionPlan& plan, const model::ModelConfig& config) {
  const model::CcexpertModel model(config, at::TensorOptions().device(at::kMeta));
  for (const auto& item : model.named_parameters()) {
    const bool shared =
        model::find_part(item.key()) == model::Part::kDecoder && !model::block_of(item.key()).empty();
    (shared ? plan.shared : plan.whole) += item.value().numel();
  }
}

std::string name_of_model(const std::filesystem::path& folder) {
  const auto name = folder.filename();
  return (name.empty() ? folder.parent_path().filename() : name).string();
}

std::string memory_text(const CaptionMemory& memory) {
  const auto features = memory.features == 0.0
                            ? ""
                            : fmt::format(" + image features up to {:.2f}", memory.features / kGigabyte);
  return fmt::format("{:.2f} GB = weights {:.2f} + caches {:.2f} + activations about {:.2f}{}\n",
                     memory.total() / kGigabyte, memory.weights / kGigabyte, memory.caches / kGigabyte,
                     memory.activations / kGigabyte, features);
}

}  // namespace

CaptionPlan plan_captions(const CaptionPlanRequest& request) {
  return runtime::with_one_error_type("", [&] {
    const auto config = config_in(request.model);
    CaptionPlan plan{.name = name_of_model(request.model),
                     .precision = precision_of(request.captioner, request.ranks),
                     .pairs = request.pairs};
    count_weights(plan, config);
    const Memory memory(config, request, plan);
    plan.asked = memory.of(request.ranks);
    if (request.captioner.device.is_cpu()) plan.gpu_bytes = 0.0;
    for (int64_t ranks = 1; ranks <= kMostRanks; ++ranks) {
      if (!can_share(config.decoder, ranks)) continue;
      plan.choices.push_back(memory.of(ranks));
      const bool fits = plan.choices.back().first.total() <= plan.gpu_bytes;
      if (fits && plan.fewest_gpus == 0) plan.fewest_gpus = ranks;
    }
    return plan;
  });
}

std::string to_text(const CaptionPlan& plan) {
  const auto ranks = plan.asked.ranks;
  auto text = fmt::format("{} in {} on {} {}, {} {} at once\n", plan.name, text_of(plan.precision), ranks,
                          ranks == 1 ? "rank" : "ranks", plan.pairs, plan.pairs == 1 ? "pair" : "pairs");
  text += fmt::format("  {:<26} {:>9.2f} M parameters, shared by the ranks\n", "decoder blocks",
                      number(plan.shared) * 1e-6);
  text += fmt::format("  {:<26} {:>9.2f} M parameters, on rank 0\n", "all other weights",
                      number(plan.whole) * 1e-6);
  text += fmt::format("  {:<26} {}", "memory of rank 0", memory_text(plan.asked.first));
  if (ranks > 1) text += fmt::format("  {:<26} {}", "memory of another rank", memory_text(plan.asked.other));
  for (const auto& choice : plan.choices) {
    const auto others = choice.ranks == 1 ? ""
                                          : fmt::format(" on rank 0, {:.2f} GB on the others",
                                                        choice.other.total() / kGigabyte);
    text += fmt::format("  {:<26} {:.2f} GB{}\n",
                        fmt::format("{} {}", choice.ranks, choice.ranks == 1 ? "rank" : "ranks"),
                        choice.first.total() / kGigabyte, others);
  }
  if (plan.gpu_bytes == 0.0) return text;
  const auto gpus = plan.fewest_gpus == 0
                        ? std::string("no number of GPUs")
                        : fmt::format("{} GPU{} or more", plan.fewest_gpus, plan.fewest_gpus == 1 ? "" : "s");
  return text +
         fmt::format("  fits on                    {} of {:.0f} GB\n", gpus, plan.gpu_bytes / kGigabyte);
}

}  // namespace ccexpert::generate
