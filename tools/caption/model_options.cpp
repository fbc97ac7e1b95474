#include "caption/model_options.h"

#include <string_view>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/command_line.h"

namespace ccexpert::tools {

void add_model_folder(OptionGroup& group, std::filesystem::path& model) {
  group
      .folder("-m,--model", model,
              "checkpoint folder (config.json, weights, tokenizer); default: the small model that comes "
              "with ccexpert")
      ->envname("CCEXPERT_MODEL");
}

void add_device_options(OptionGroup& group, CaptionerConfig& config) {
  group.value("--device", config.device, "device; auto: a GPU if there is one");
  group.value(
      "--dtype", config.dtype,
      "precision; standard: float32 on a CPU, bfloat16 on a GPU; auto: the fastest of proven quality, "
      "on a CPU int8 (at each level of instructions); int8: on a CPU only");
  group.value("--threads", config.threads, "CPU threads (0: all cores)", kThreads);
}

void add_decoding_options(OptionGroup& group, generate::GenerationOptions& generation, bool with_mbr) {
  for_each_field<generate::GenerationOptions>([&](const auto& each) {
    if (!with_mbr && std::string_view(each.name).starts_with("mbr")) return;
    auto* option = group.field(each, generation);
    if constexpr (std::is_same_v<decltype(generation.*each.member), std::vector<int64_t>&>)
      option->delimiter(',')->allow_extra_args(false)->type_name("N,N,...");
  });
}

void use_demo_model(std::filesystem::path& model) {
  if (model.empty()) model = generate::demo_model();
  expect(!model.empty(),
         "--model: expected a checkpoint folder, got none (the model that comes with ccexpert was not "
         "installed)");
}

}  // namespace ccexpert::tools
