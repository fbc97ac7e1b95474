#include "train/run_model.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "generate/device.h"
#include "generate/preprocess_config.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

/// The paper's scales, counted from the last block.
constexpr int64_t kScales[] = {-11, -8, -5, -2};

/// A base model's config with the Diff Expert that training gives it.
void add_diff_expert(ModelConfig& config) {
  const int64_t blocks = config.vision.num_hidden_layers;
  if (blocks + 1 + kScales[0] < 0) {
    fail({"model.start", fmt::format("a vision transformer of at least {} blocks", -kScales[0] - 1),
          fmt::format("{} blocks", blocks),
          "name a checkpoint whose config.json says which layers the Diff Expert uses"});
  }
  config.diff_expert =
      DiffExpertConfig{.embedding_dim = config.vision.hidden_size, .mlp_dim = 4 * config.vision.hidden_size};
  config.vision_layers.clear();
  for (const int64_t layer : kScales) config.vision_layers.push_back(blocks + 1 + layer);
}

ModelConfig adapted(ModelConfig config, const TrainConfig& run) {
  if (run.model.diff_expert && !config.diff_expert) add_diff_expert(config);
  if (!run.model.diff_expert && config.diff_expert) {
    fail({"model.diff_expert", "true, as the checkpoint has a Diff Expert", "false"});
  }
  if (config.diff_expert) config.diff_expert->flag_init_std = run.model.flag_init_std;
  return config;
}

std::shared_ptr<CcexpertModel> fresh_model(const ModelConfig& config, const at::TensorOptions& options,
                                           int64_t seed) {
  auto model = std::make_shared<CcexpertModel>(config, options);
  initialize_weights(*model, static_cast<uint64_t>(seed));
  return model;
}

}  // namespace

at::ScalarType run_dtype(const TrainConfig& config) {
  return config.model.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

ModelConfig run_model_config(const fs::path& folder, const TrainConfig& config) {
  const auto path = folder / "config.json";
  return adapted(parse_model_config(read_file(path), path.string()), config);
}

RunModel load_run_model(const fs::path& folder, const TrainConfig& config, at::Device device) {
  const auto options = at::TensorOptions().dtype(run_dtype(config)).device(device);
  RunModel run;
  run.folder = folder;
  std::string original, preprocessor;
  if (config.model.fresh && !fs::exists(folder / "trainer.json")) {
    original = read_file(folder / "config.json");
    if (fs::exists(folder / "preprocessor_config.json"))
      preprocessor = read_file(folder / "preprocessor_config.json");
    run.model = fresh_model(run_model_config(folder, config), options, config.seed);
  } else {
    const auto checkpoint = io::open_checkpoint(folder);
    run.folder = checkpoint.folder;
    original = checkpoint.config_json;
    preprocessor = checkpoint.preprocessor_json;
    const auto model_config =
        adapted(parse_model_config(original, (run.folder / "config.json").string()), config);
    run.model = build_model(model_config, *checkpoint.weights,
                            {.tensor = options,
                             .fresh_diff_expert = config.model.diff_expert,
                             .seed = static_cast<uint64_t>(config.seed)});
  }
  run.model->set_recompute(config.model.recompute);
  run.preprocess = parse_preprocess_config(preprocessor, original, run.model->config().vision);
  run.tokenizer = std::make_unique<text::Tokenizer>(text::Tokenizer::load(run.folder));
  run.config_json = model_config_json(run.model->config(), original);
  return run;
}

}  // namespace ccexpert::train
