#include "train/shared/compose.h"

#include <algorithm>
#include <array>

#include <ccexpert/core/error.h>
#include <ccexpert/generate/loaded_model.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "generate/shared/checkpoint_texts.h"
#include "model/shared/adapter.h"
#include "model/shared/composed_base.h"
#include "train/saved_texts.h"
#include "train/write_model.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;

/// Files of a language model that do not describe captions: settings of a chat, and a processor.
constexpr std::array kLeftOut{"generation_config.json", "processor_config.json",
                              "video_preprocessor_config.json", "preprocessor_config.json"};

/// Returns the mean and deviation that the tower was trained with. Other settings of its processor, such as
/// the bilinear filter of SigLIP2, are replaced by those of this program.
std::string normalisation_of(const io::Checkpoint& vision) {
  if (vision.preprocessor_json.empty()) return {};
  const json processor = parse_json(vision.preprocessor_json, vision.preprocessor_source);
  json kept = json::object();
  for (const char* key : {"image_mean", "image_std"}) {
    if (processor.contains(key)) kept[key] = processor[key];
  }
  return kept.dump();
}

std::vector<io::CompanionFile> companions_of(const std::filesystem::path& decoder) {
  auto companions = io::read_companions(decoder);
  std::erase_if(companions,
                [](const auto& file) { return std::ranges::find(kLeftOut, file.name) != kLeftOut.end(); });
  return companions;
}

void expect_new_folder(const ComposeRequest& request) {
  std::error_code code;
  for (const auto& part : {request.vision, request.decoder}) {
    if (std::filesystem::equivalent(part, request.to, code))
      fail_expected({"--to", "a folder other than those of the parts", request.to.string()});
  }
}

}  // namespace

void compose_model(const ComposeRequest& request) try {
  expect_new_folder(request);
  model::expect_no_adapter_in(request.to);
  auto vision = io::open_part(request.vision), decoder = io::open_part(request.decoder);
  const auto folder = decoder.folder;
  auto normalisation = normalisation_of(vision);
  auto source = vision.preprocessor_source;
  auto base =
      model::compose_base({std::move(vision), std::move(decoder)}, {.image_size = request.image_size});
  const io::Checkpoint composed{.folder = folder,
                                .config_json = std::move(base.config_json),
                                .preprocessor_json = std::move(normalisation),
                                .preprocessor_source = std::move(source),
                                .generation_json = {},
                                .weights = std::move(base.weights)};
  const auto settings = generate::read_model_settings(
      generate::texts_of(composed), model::parse_model_config(composed.config_json, "config.json"));
  auto companions = companions_of(folder);
  companions.push_back(
      {std::string(generate::kPreprocessorFile), siglip_processor_json(settings.preprocess)});
  write_model({.checkpoint = composed,
               .companions = std::move(companions),
               .to = request.to,
               .dtype = request.dtype,
               .layout = io::CheckpointLayout::kAuthors,
               .shard_mb = request.shard_mb});
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::train
