#include "generate/chat_formats.h"

#include <algorithm>

namespace ccexpert::generate {
namespace {

struct ChatFormat {
  std::string_view architecture;  ///< `model_type`
  const text::ChatTemplate& (*chat)();
};

// All others use that of their Qwen.
constexpr ChatFormat kFormats[] = {{"llava", text::vicuna_chat_template},
                                   {"llava_llama", text::vicuna_chat_template},
                                   {"llava_llama_cc", text::vicuna_chat_template},
                                   {"minigpt4", text::minigpt4_chat_template}};

}  // namespace

const text::ChatTemplate& chat_of(const model::ModelConfig& config) {
  const auto* found = std::ranges::find(kFormats, config.architecture, &ChatFormat::architecture);
  if (found != std::end(kFormats)) return found->chat();
  return config.decoder.qk_norm ? text::qwen3_chat_template() : text::qwen2_chat_template();
}

}  // namespace ccexpert::generate
