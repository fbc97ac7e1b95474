#include "train/run_model.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/text/prompt.h>

#include "core/files.h"
#include "generate/shared/checkpoint_texts.h"
#include "model/shared/adapter.h"
#include "model/shared/int8_frozen.h"
#include "model/shared/int8_model.h"
#include "runtime/device.h"
#include "train/content_hash.h"
#include "train/lora_run.h"
#include "train/saved_texts.h"
#include "train/share_weights.h"
#include "train/start_config.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

model::ModelConfig stored_config(const std::string& text, const fs::path& folder) {
  return model::parse_model_config(text, (folder / "config.json").string());
}

/// Returns the folder with the start's config.json.
fs::path start_folder(const TrainConfig& config) {
  const fs::path start(config.model.start);
  const bool cached = is_folder(start / "snapshots");
  if (cached || is_there(start / "config.json")) return io::resolve_folder(start);
  fail_expected({"model.start", "a checkpoint folder with config.json", start.string() + " without one",
                 "docs/training.md says where bases come from"});
}

model::FreshWeights fresh_weights(const TrainConfig& config) {
  return {.seed = static_cast<uint64_t>(config.seed),
          .deviation = config.model.init_std,
          .flag_deviation = config.model.flag_init_std};
}

std::shared_ptr<model::CcexpertModel> fresh_model(const model::ModelConfig& config,
                                                  const at::TensorOptions& options,
                                                  const model::FreshWeights& fresh) {
  auto model = std::make_shared<model::CcexpertModel>(config, options);
  model::initialize_weights(*model, fresh);
  return model;
}

std::shared_ptr<AuxiliaryHeads> make_heads(const RunModel& run, const TrainConfig& config) {
  if (!config.loss.auxiliary()) return nullptr;
  if (config.loss.tokens > 0.0 && run.model->config().qformer) {
    fail_expected({"loss.tokens", "0, as a Q-Former's tokens belong to no patch",
                   fmt::format("{}", config.loss.tokens)});
  }
  auto heads = std::make_shared<AuxiliaryHeads>(
      run.model->config().vision.hidden_size, run.model->config().decoder.hidden_size,
      config.loss.class_count, run.model->options(), static_cast<uint64_t>(config.seed));
  const auto file = run.folder / kAuxiliaryFile;
  if (is_there(file)) model::load_weights(*heads, *io::open_safetensors(file));
  return heads;
}

/// Device of a model, and the ranks that share its weights (null: none).
struct ModelPlace {
  at::Device device = at::kCPU;
  distributed::Communicator* ranks = nullptr;
};

std::vector<TrainableParameter> parameters_of_heads(const RunModel& run) {
  std::vector<TrainableParameter> parameters;
  if (!run.heads) return parameters;
  for (const auto& item : run.heads->named_parameters())
    parameters.push_back({"auxiliary." + item.key(), item.value(), 1.0, 0.0});
  return parameters;
}

}  // namespace

std::vector<TrainableParameter> trainable_parameters(RunModel& run, const TrainConfig& config) {
  auto parameters = model_parameters(*run.model, run.lora, config);
  for (auto& parameter : parameters_of_heads(run)) parameters.push_back(std::move(parameter));
  return parameters;
}

int64_t parameter_count(const RunModel& run) {
  int64_t count = 0;
  for (const auto& parameter : run.model->parameters()) count += parameter.numel();
  for (const auto& parameter : model::lora_parameters(run.lora)) count += parameter.tensor.numel();
  if (!run.heads) return count;
  for (const auto& parameter : run.heads->parameters()) count += parameter.numel();
  return count;
}

int64_t bucket_elements(const TrainConfig& config) {
  // Gradients are communicated in the parameters' dtype.
  const auto bytes_each = static_cast<double>(c10::elementSize(run_dtype(config)));
  return std::max<int64_t>(1, static_cast<int64_t>(config.distributed.bucket_mb * 1e6 / bytes_each));
}

at::ScalarType run_dtype(const TrainConfig& config) {
  return config.model.dtype == Precision::kBfloat16 ? at::kBFloat16 : at::kFloat;
}

model::ModelConfig run_model_config(const TrainConfig& config) {
  const auto folder = start_folder(config);
  return start_config(stored_config(read_file(folder / "config.json"), folder), config);
}

namespace {

enum class Origin { kFresh, kStart, kResumed };

/// Folder that a run starts or resumes from, and the config of the run's model.
struct Source {
  fs::path folder;
  std::string config_json;
  model::ModelConfig config;
  std::unique_ptr<io::TensorSource> weights;  ///< null if the weights are fresh
  bool draws_expert = false;                  ///< the Diff Expert's weights are fresh
};

Source open_source(const fs::path& folder, Origin origin, const TrainConfig& config) {
  Source source;
  if (origin == Origin::kFresh) {
    source.folder = start_folder(config);
    source.config_json = read_file(source.folder / "config.json");
  } else {
    // A start is merged with an adapter in it; a run goes on with its own adapter beside its base.
    const bool resumes = origin == Origin::kResumed;
    auto checkpoint = resumes ? model::open_plain_checkpoint(folder) : model::open_model_checkpoint(folder);
    source.folder = checkpoint.folder;
    source.config_json = checkpoint.config_json;
    source.weights = std::move(checkpoint.weights);
  }
  auto stored = stored_config(source.config_json, source.folder);
  const bool lacks_expert = !stored.diff_expert;
  const auto model_config = origin == Origin::kResumed ? resumed_config : start_config;
  source.config = model_config(std::move(stored), config);
  source.draws_expert = source.config.diff_expert && (lacks_expert || origin == Origin::kFresh);
  return source;
}

/// Notes the sum of each stored tensor of which `select` keeps a part.
model::SelectWeights with_sums(model::SelectWeights select, KeyValues& sums) {
  return
      [select = std::move(select), &sums](const model::ExpectedTensor& expected, const at::Tensor& stored) {
        sums.emplace_back(expected.name, content_hash(stored));
        return select(expected, stored);
      };
}

/// Builds a model whose frozen matrices have 8 bits, in the memory of the host until they are quantised.
std::shared_ptr<model::CcexpertModel> build_with_int8_base(const Source& source, const TrainConfig& config,
                                                           model::BuildModelOptions build) {
  const auto is_frozen = frozen_weights(config, source.draws_expert);
  auto names = model::int8_matrices(source.config);
  std::erase_if(names, [&](const std::string& name) { return !is_frozen(name); });
  const model::Int8Source quantized(*source.weights, names);
  const auto device = build.tensor.device();
  build.tensor = build.tensor.device(at::kCPU);
  build.prepare = [&](model::CcexpertModel& model) { model::use_frozen_int8(model, is_frozen); };
  auto model = model::build_model(source.config, quantized, build);
  model::move_frozen_int8(*model, device);
  return model;
}

/// Builds the model of `run`. Weights that ranks share are first drawn in the memory of the host, where what
/// is only loaded needs no memory.
void make_model(RunModel& run, const Source& source, const TrainConfig& config, const ModelPlace& place) {
  const auto options = at::TensorOptions().dtype(run_dtype(config)).device(place.device);
  const auto at_first = place.ranks != nullptr ? options.device(at::kCPU) : options;
  const auto take = [&](model::CcexpertModel& model) {
    run.shards = std::make_shared<WeightShards>(
        WeightShards::Content{model, with_frozen(model, trained_weights(model, config)),
                              bucket_elements(config)},
        place.device, *place.ranks);
    return with_sums(selection_of(run.shards), run.stored_sums);
  };
  if (source.weights) {
    model::BuildModelOptions build{.tensor = at_first,
                                   .fresh_diff_expert = config.model.diff_expert,
                                   .fresh = fresh_weights(config),
                                   .resize_positions = config.model.image_size > 0};
    if (place.ranks != nullptr) build.take = take;
    run.model = config.lora.int8_base ? build_with_int8_base(source, config, build)
                                      : model::build_model(source.config, *source.weights, build);
  } else {
    run.model = fresh_model(source.config, at_first, fresh_weights(config));
    if (place.ranks != nullptr) take(*run.model);
  }
  run.model->set_options(options);
}

/// Creates the heads and sets how blocks run.
void complete_model(RunModel& run, const TrainConfig& config) {
  run.heads = make_heads(run, config);
  if (run.shards == nullptr) {
    run.model->set_recompute(config.model.recompute);
    return;
  }
  auto outside = lora_trainables(run.lora, config);
  for (auto& head : parameters_of_heads(run)) outside.push_back(std::move(head));
  for (const auto& each : outside) run.stored_sums.emplace_back(each.name, content_hash(each.tensor));
  run.shards->add(std::move(outside));
  run.model->set_runner(sharded_runner(run.shards, config.model.recompute));
}

io::CompanionFile* companion_of(std::vector<io::CompanionFile>& companions, std::string_view name) {
  const auto found = std::ranges::find(companions, name, &io::CompanionFile::name);
  return found == companions.end() ? nullptr : &*found;
}

/// Returns the texts of the source and its companions. A set image size enters the preprocessor's config,
/// also among the companions.
generate::CheckpointTexts texts_of(const Source& source, std::vector<io::CompanionFile>& companions,
                                   const ModelSection& section) {
  generate::CheckpointTexts texts{.folder = source.folder,
                                  .config_json = source.config_json,
                                  .preprocessor_json = {},
                                  .preprocessor_source = std::string(generate::kPreprocessorFile),
                                  .generation_json = {}};
  if (auto* processor = companion_of(companions, generate::kPreprocessorFile)) {
    if (section.image_size > 0)
      processor->bytes = generate::preprocessor_for(processor->bytes, section.image_size);
    texts.preprocessor_json = processor->bytes;
  }
  if (const auto* generation = companion_of(companions, "generation_config.json"))
    texts.generation_json = generation->bytes;
  return texts;
}

/// Returns the start as the adapter's base if the run takes it unchanged, else nothing.
std::string base_of_adapter(const Source& source, Origin origin, const TrainConfig& config) {
  if (!config.lora.enabled()) return {};
  const auto start = fs::absolute(config.model.start).string();
  if (origin == Origin::kResumed) return model::open_adapter(source.folder).config.base == start ? start : "";
  const bool changed = origin == Origin::kFresh || source.draws_expert || config.model.image_size > 0 ||
                       !config.model.image_newline || model::adapter_beside(source.folder);
  return changed ? "" : start;
}

RunModel load(const fs::path& folder, Origin origin, const TrainConfig& config, const ModelPlace& place) {
  const auto source = open_source(folder, origin, config);
  auto companions = io::read_companions(source.folder);
  auto settings =
      generate::read_model_settings(texts_of(source, companions, config.model), source.config,
                                    text::chosen_question(config.data.question, config.data.prompt_style));
  RunModel run{{std::move(settings), nullptr}};
  make_model(run, source, config, place);
  run.folder = source.folder;
  // Other programs do not read weights of 8 bits.
  if (source.weights && !config.lora.int8_base)
    run.for_others = model::tensors_for_others(*source.weights, run_dtype(config));
  run.lora = start_lora(*run.model, config, origin == Origin::kResumed ? source.folder : fs::path());
  if (source.draws_expert) expect_trained_expert(run.lora, config);
  run.adapter_base = base_of_adapter(source, origin, config);
  complete_model(run, config);
  run.layout = config.checkpoint.layout;
  auto saved = saved_texts({.config = run.model->config(),
                            .preprocess = run.preprocess,
                            .dtype = run_dtype(config),
                            .original_json = source.config_json,
                            .layout = run.layout},
                           std::move(companions));
  run.config_json = generate::with_trained_question(saved.config_json, run.question);
  if (config.lora.int8_base) run.config_json = generate::with_int8_note(run.config_json);
  run.companions = std::move(saved.companions);
  return run;
}

}  // namespace

RunModel start_run_model(const TrainConfig& config, at::Device device, distributed::Communicator* ranks) {
  return load(config.model.start, config.model.fresh ? Origin::kFresh : Origin::kStart, config,
              {device, ranks});
}

RunModel resume_run_model(const fs::path& checkpoint, const TrainConfig& config, at::Device device,
                          distributed::Communicator* ranks) {
  return load(checkpoint, Origin::kResumed, config, {device, ranks});
}

}  // namespace ccexpert::train
