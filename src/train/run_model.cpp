#include "train/run_model.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/text/prompt.h>

#include "core/error_place.h"
#include "core/files.h"
#include "generate/shared/checkpoint_texts.h"
#include "model/shared/adapter.h"
#include "runtime/device.h"
#include "train/lora_run.h"
#include "train/saved_texts.h"
#include "train/share_weights.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

/// The paper's scales, counted from the last block.
constexpr int64_t kScales[] = {-11, -8, -5, -2};

constexpr int64_t kPaperDepth = 2;

/// Converts `layers`, counted from the end, to hidden states counted from the first. Throws Error for layers
/// that the tower lacks.
std::vector<int64_t> counted_from_first(const std::vector<int64_t>& layers,
                                        const model::VisionConfig& vision) {
  const int64_t blocks = vision.num_hidden_layers;
  std::vector<int64_t> counted;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool ascends = i == 0 || layers[i - 1] < layers[i];
    if (layers[i] < -blocks - 1 || layers[i] > -1 || !ascends) {
      fail_expected(
          {"model.vision_layers",
           fmt::format("ascending layers of -{} to -1, as the tower has {} blocks", blocks + 1, blocks),
           fmt::format("{}", fmt::join(layers, ", "))});
    }
    counted.push_back(blocks + 1 + layers[i]);
  }
  return counted;
}

/// Adds to a base model's config the Diff Expert that training creates.
void add_diff_expert(model::ModelConfig& config, const ModelSection& section) {
  auto layers = section.vision_layers;
  if (layers.empty()) layers.assign(std::begin(kScales), std::end(kScales));
  model::DiffExpertConfig expert;
  expert.per_expert_depth = section.per_expert_depth > 0 ? section.per_expert_depth : kPaperDepth;
  expert.embedding_dim = config.vision.hidden_size;
  expert.mlp_dim = 4 * config.vision.hidden_size;
  config.diff_expert = expert;
  config.image_newline = false;
  config.vision_layers = counted_from_first(layers, config.vision);
}

/// Checks the keys that shape a fresh Diff Expert: they must equal the checkpoint's Diff Expert, if it has
/// one.
void expect_same_expert(const model::ModelConfig& config, const ModelSection& section) {
  constexpr const char* kHint = "another Diff Expert needs a start without one";
  const int64_t depth = config.diff_expert.value_or(model::DiffExpertConfig{}).per_expert_depth;
  if (section.per_expert_depth > 0 && section.per_expert_depth != depth) {
    fail_expected({"model.per_expert_depth", fmt::format("{}, as the checkpoint's Diff Expert has", depth),
                   std::to_string(section.per_expert_depth), kHint});
  }
  if (section.vision_layers.empty()) return;
  if (counted_from_first(section.vision_layers, config.vision) == config.vision_layers) return;
  std::vector<int64_t> layers;
  for (const int64_t layer : config.vision_layers)
    layers.push_back(layer - config.vision.num_hidden_layers - 1);
  fail_expected({"model.vision_layers",
                 fmt::format("[{}], which the checkpoint's Diff Expert reads", fmt::join(layers, ", ")),
                 fmt::format("[{}]", fmt::join(section.vision_layers, ", ")), kHint});
}

/// Refuses initialisation deviations that have no effect because nothing is drawn.
void expect_usual_deviations(const model::ModelConfig& start, const ModelSection& section) {
  if (section.fresh || !start.diff_expert) return;
  const auto expect = [](const char* key, double value, double usual) {
    if (value == usual) return;
    fail_expected({key, fmt::format("{}, as the start has all weights", usual), fmt::format("{}", value)});
  };
  expect("model.init_std", section.init_std, ModelSection{}.init_std);
  expect("model.flag_init_std", section.flag_init_std, ModelSection{}.flag_init_std);
}

/// Refuses to leave out an image newline that the start does not have.
void expect_newline(const model::ModelConfig& start, const ModelSection& section) {
  if (section.image_newline || start.image_newline) return;
  fail_expected({"model.image_newline", "true, as the start has no image newline", "false"});
}

/// Sets the tower's image size to `side` px.
void resize(model::ModelConfig& config, int64_t side) {
  if (side < config.vision.patch_size) {
    fail_expected({"model.image_size", fmt::format("at least a patch of {} px", config.vision.patch_size),
                   std::to_string(side)});
  }
  config.vision.image_size = side;
  with_place("model.image_size", [&] { config.validate(); });
}

model::ModelConfig adapted(model::ModelConfig config, const TrainConfig& run) {
  if (run.model.image_size > 0) resize(config, run.model.image_size);
  if (run.model.diff_expert && config.diff_expert) expect_same_expert(config, run.model);
  if (run.model.diff_expert && !config.diff_expert) add_diff_expert(config, run.model);
  if (!run.model.diff_expert && config.diff_expert) {
    fail_expected({"model.diff_expert", "true, as the checkpoint has a Diff Expert", "false"});
  }
  if (!run.model.image_newline) config.image_newline = false;
  config.validate();
  return config;
}

/// Returns the config of the model that a run builds from its start, with config.json `text` in `folder`.
model::ModelConfig start_config(const std::string& text, const fs::path& folder, const TrainConfig& run) {
  auto config = model::parse_model_config(text, (folder / "config.json").string());
  expect_usual_deviations(config, run.model);
  expect_newline(config, run.model);
  return adapted(std::move(config), run);
}

/// Returns the same for a resumed checkpoint, whose weights are drawn already.
model::ModelConfig resumed_config(const std::string& text, const fs::path& folder, const TrainConfig& run) {
  return adapted(model::parse_model_config(text, (folder / "config.json").string()), run);
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
  return start_config(read_file(folder / "config.json"), folder, config);
}

namespace {

enum class Origin { kFresh, kStart, kResumed };

/// Folder that a run starts or resumes from, and the config of the run's model.
struct Source {
  fs::path folder;
  std::string config_json;
  model::ModelConfig config;
  std::unique_ptr<io::TensorSource> weights;  ///< null if the weights are fresh
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
  const auto model_config = origin == Origin::kResumed ? resumed_config : start_config;
  source.config = model_config(source.config_json, source.folder, config);
  return source;
}

/// Builds the model of `run`. Weights that ranks share are first drawn in the memory of the host, where what
/// is only loaded needs no memory.
void make_model(RunModel& run, const Source& source, const TrainConfig& config, const ModelPlace& place) {
  const auto options = at::TensorOptions().dtype(run_dtype(config)).device(place.device);
  const auto at_first = place.ranks != nullptr ? options.device(at::kCPU) : options;
  const auto take = [&](model::CcexpertModel& model) {
    run.shards = std::make_shared<WeightShards>(
        WeightShards::Content{model, all_parameters(model, config.optimizer.parameters),
                              bucket_elements(config)},
        place.device, *place.ranks);
    return selection_of(run.shards);
  };
  if (source.weights) {
    model::BuildModelOptions build{.tensor = at_first,
                                   .fresh_diff_expert = config.model.diff_expert,
                                   .fresh = fresh_weights(config),
                                   .resize_positions = config.model.image_size > 0};
    if (place.ranks != nullptr) build.take = take;
    run.model = model::build_model(source.config, *source.weights, build);
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
  run.shards->add(parameters_of_heads(run));
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

RunModel load(const fs::path& folder, Origin origin, const TrainConfig& config, const ModelPlace& place) {
  const auto source = open_source(folder, origin, config);
  auto companions = io::read_companions(source.folder);
  auto settings =
      generate::read_model_settings(texts_of(source, companions, config.model), source.config,
                                    text::chosen_question(config.data.question, config.data.prompt_style));
  RunModel run{{std::move(settings), nullptr}};
  make_model(run, source, config, place);
  run.folder = source.folder;
  if (source.weights) run.for_others = model::tensors_for_others(*source.weights, run_dtype(config));
  run.lora = start_lora(*run.model, config, origin == Origin::kResumed ? source.folder : fs::path());
  complete_model(run, config);
  run.layout = config.checkpoint.layout;
  auto saved = saved_texts({.config = run.model->config(),
                            .preprocess = run.preprocess,
                            .dtype = run_dtype(config),
                            .original_json = source.config_json,
                            .layout = run.layout},
                           std::move(companions));
  run.config_json = generate::with_trained_question(saved.config_json, run.question);
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
