#include "model/architectures.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>

#include "model/config_parts.h"
#include "model/llava_config.h"
#include "model/minigpt4.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

const io::WeightLayout* own_names() {
  return nullptr;
}

const io::WeightLayout* llava_hf_names() {
  return &llava_hf_layout();
}

bool always(const json& /*config*/) {
  return true;
}

// The first row whose keys a file has is used. One line adds an architecture.
constexpr std::array kArchitectures{
    Architecture{"minigpt4", "MiniGPT4", is_minigpt4, parse_minigpt4, minigpt4_parts, own_names},
    Architecture{"llava", "LlavaForConditionalGeneration", is_llava15_hf, parse_llava15_hf, llava_parts,
                 llava_hf_names},
    Architecture{"llava_llama_cc", "LlavaLlamaCCForCausalLM", is_llava15_with_resampler, parse_llava15,
                 llava_parts, own_names},
    Architecture{"llava_llama", "LlavaLlamaForCausalLM", is_llava15, parse_llava15, llava_parts, own_names},
    Architecture{"llava_onevision", "LlavaOnevisionForConditionalGeneration", is_llava_hf, parse_llava_hf,
                 llava_parts, llava_hf_names},
    Architecture{"llava_qwen3_cc", "LlavaQwen3CCForCausalLM", is_qwen3_with_resampler, parse_authors,
                 llava_parts, own_names},
    Architecture{"llava_qwen3", "LlavaQwen3ForCausalLM", is_qwen3, parse_authors, llava_parts, own_names},
    Architecture{"llava_qwen_cc", "LlavaQwenCCForCausalLM", has_resampler, parse_authors, llava_parts,
                 own_names},
    Architecture{"llava_qwen", "LlavaQwenForCausalLM", always, parse_authors, llava_parts, own_names},
};

}  // namespace

std::span<const Architecture> architectures() {
  return kArchitectures;
}

const Architecture& architecture_of(const json& config) {
  const auto found = std::find_if(kArchitectures.begin(), kArchitectures.end() - 1,
                                  [&](const auto& row) { return row.has_keys(config); });
  return *found;
}

const Architecture& architecture_named(std::string_view type) {
  const auto found = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                  [&](const auto& row) { return row.type == type; });
  if (found == kArchitectures.end()) fail_expected({"model_type", "a known architecture", type});
  return *found;
}

}  // namespace ccexpert::model
