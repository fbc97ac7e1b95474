// ccexpert-data merge-minigpt4.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/option_group.h"
#include "data/subcommand.h"
#include "model/shared/minigpt4_merge.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kFooter =
    R"(PATH is a file of torch.save (.pth), a *.safetensors file, or a folder of transformers' BLIP-2. Example:
  ccexpert-data merge-minigpt4 --vision eva_vit_g.pth --qformer blip2_pretrained_flant5xxl.pth
      --projection prerained_minigpt4_7b.pth --decoder vicuna-7b -o minigpt4-7b
ccexpert-caption and ccexpert-train load the folder.)";

void expect_path(const char* option, const std::filesystem::path& path) {
  if (path.empty()) throw Error(fmt::format("{}: expected a path, got none", option));
}

void check(const model::MiniGpt4Files& files) {
  expect_path("--vision", files.vision);
  expect_path("--qformer", files.qformer);
  expect_path("--projection", files.projection);
  expect_path("--decoder", files.decoder);
  expect_path("--out", files.out);
}

int run(const model::MiniGpt4Files& files) {
  const auto merged = model::merge_minigpt4(files);
  fmt::print("{} tensors, {} parameters, {} px, {} tokens an image\n", with_commas(merged.tensors),
             with_commas(merged.parameters), merged.image_size, merged.image_tokens);
  return kSuccess;
}

}  // namespace

Subcommand add_merge_minigpt4(CLI::App& app) {
  const auto files = std::make_shared<model::MiniGpt4Files>();
  auto* merge =
      app.add_subcommand("merge-minigpt4", "put the files of MiniGPT-4's parts into one checkpoint");
  merge->footer(kFooter);
  merge->add_option("--vision", files->vision, "EVA-CLIP ViT-g of BLIP-2")->type_name("PATH");
  merge->add_option("--qformer", files->qformer, "Q-Former of BLIP-2, and the norm before it")
      ->type_name("PATH");
  merge->add_option("--projection", files->projection, "MiniGPT-4's own weights")->type_name("PATH");
  merge->add_option("--decoder", files->decoder, "folder of Vicuna with its tokenizer")->type_name("DIR");
  merge->add_option("-o,--out", files->out, "folder to write")->type_name("DIR");
  OptionGroup(*merge).value("--blocks", files->blocks, "blocks of the vision tower that are used",
                            in_range(1, 1024));
  return {merge, [files] { check(*files); }, [files] { return run(*files); }};
}

}  // namespace ccexpert::tools
