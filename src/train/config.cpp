#include <set>

#include <fmt/format.h>

#include <ccexpert/train/config.h>

#include "core/yaml.h"

namespace ccexpert::train {
namespace {

void expect(bool holds, std::string_view key, std::string_view expected, const std::string& got) {
  if (!holds) fail({key, expected, got});
}

template <class Value>
void expect_at_least(std::string_view key, Value value, Value least) {
  expect(value >= least, key, fmt::format("at least {}", least), fmt::format("{}", value));
}

void expect_one_of(std::string_view key, const std::string& value, const std::vector<std::string>& choices) {
  for (const auto& choice : choices) {
    if (choice == value) return;
  }
  std::string list;
  for (size_t i = 0; i < choices.size(); ++i) {
    list += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  fail({key, list, "'" + value + "'"});
}

/// `over` laid on `base`: sections merge, everything else is replaced.
YAML::Node merged(const YAML::Node& base, const YAML::Node& over) {
  if (!base.IsMap() || !over.IsMap()) return over;
  YAML::Node result(YAML::NodeType::Map);
  for (const auto& item : base) result[item.first.Scalar()] = item.second;
  for (const auto& item : over) {
    const auto key = item.first.Scalar();
    const auto known = base[key];
    result[key] = known.IsDefined() ? merged(known, item.second) : item.second;
  }
  return result;
}

TrainConfig read_stage(const YAML::Node& root, const YamlDocument& document,
                       const std::vector<std::string>& overrides) {
  YamlDocument stage{document.source, root};
  for (const auto& assignment : overrides) override_yaml(stage, assignment);
  TrainConfig config;
  read_yaml(stage.root, config, document.source);
  return config;
}

/// What is said outside of `stages` holds for each of them.
YAML::Node common_part(const YAML::Node& root) {
  YAML::Node common(YAML::NodeType::Map);
  for (const auto& item : root) {
    if (item.first.Scalar() != "stages") common[item.first.Scalar()] = item.second;
  }
  return common;
}

bool says_start(const YAML::Node& stage) {
  const auto model = stage["model"];
  return model.IsDefined() && model.IsMap() && model["start"].IsDefined();
}

/// Each stage goes on from the best checkpoint of the one before, in a folder of its own.
std::vector<TrainConfig> read_stages(const YamlDocument& document,
                                     const std::vector<std::string>& overrides) {
  const auto stages = document.root["stages"];
  const auto refuse = [&](const YAML::Node& where, const char* expected, const std::string& got) {
    fail({yaml_place(where, document.source, "stages"), expected, got});
  };
  if (!stages.IsSequence() || stages.size() == 0) {
    refuse(stages, "a list of sections", yaml_detail::node_text(stages));
  }
  const auto common = common_part(document.root);
  std::vector<TrainConfig> configs;
  std::set<std::string> names;
  for (const auto& stage : stages) {
    if (!stage.IsMap()) refuse(stage, "sections with keys", yaml_detail::node_text(stage));
    auto config = read_stage(merged(common, stage), document, overrides);
    if (config.name == TrainConfig{}.name) config.name = fmt::format("stage{}", configs.size() + 1);
    if (!names.insert(config.name).second) {
      refuse(stages, "a name of its own for each", fmt::format("'{}' twice", config.name));
    }
    if (!configs.empty() && !says_start(stage)) {
      config.model.start = (std::filesystem::path(configs.back().output) / "best").string();
    }
    config.output = (std::filesystem::path(config.output) / config.name).string();
    configs.push_back(std::move(config));
  }
  return configs;
}

}  // namespace

void TrainConfig::validate() const {
  expect(!output.empty(), "output", "a folder for the run", "none");
  expect(!model.start.empty(), "model.start", "a checkpoint folder to start from", "none");
  expect(!data.train.empty(), "data.train", "annotations or a data list", "none");
  expect_one_of("model.dtype", model.dtype, {"bfloat16", "float32"});
  expect_one_of("data.captions", data.captions, {"flatten", "random_choice"});
  expect_one_of("data.labels", data.labels, {"reference", "caption_only"});
  expect_one_of("data.unreadable", data.unreadable, {"error", "skip"});
  expect_one_of("optimizer.schedule", optimizer.schedule, {"cosine", "constant"});
  expect_one_of("evaluation.metric", evaluation.metric,
                {"s_star_m", "loss", "change_accuracy", "bleu_4", "meteor", "rouge_l", "cider_d"});
  expect_at_least<int64_t>("batch.micro", batch.micro, 1);
  expect_at_least<int64_t>("batch.global", batch.global, 1);
  expect(batch.global % batch.micro == 0, "batch.global",
         fmt::format("a multiple of batch.micro ({})", batch.micro), std::to_string(batch.global));
  expect(batch.epochs > 0.0 || batch.max_steps > 0, "batch.epochs", "above 0",
         fmt::format("{}", batch.epochs));
  expect_at_least<int64_t>("batch.max_steps", batch.max_steps, 0);
  expect(optimizer.learning_rate > 0.0, "optimizer.learning_rate", "above 0",
         fmt::format("{}", optimizer.learning_rate));
  expect(optimizer.warmup_ratio >= 0.0 && optimizer.warmup_ratio < 1.0, "optimizer.warmup_ratio",
         "0 to below 1", fmt::format("{}", optimizer.warmup_ratio));
  expect(model.init_std > 0.0, "model.init_std", "above 0", fmt::format("{}", model.init_std));
  expect_at_least("model.flag_init_std", model.flag_init_std, 0.0);
  expect_at_least("loss.caption", loss.caption, 0.0);
  expect_at_least("loss.mask", loss.mask, 0.0);
  expect_at_least("loss.classes", loss.classes, 0.0);
  expect_at_least("loss.tokens", loss.tokens, 0.0);
  expect(loss.caption > 0.0 || loss.auxiliary(), "loss", "at least one weight above 0", "none");
  expect(loss.class_count >= 1 && loss.class_count <= 255, "loss.class_count", "1 to 255",
         std::to_string(loss.class_count));
  for (const auto& [key, beta] :
       {std::pair{"optimizer.beta1", optimizer.beta1}, std::pair{"optimizer.beta2", optimizer.beta2}}) {
    expect(beta >= 0.0 && beta < 1.0, key, "0 to below 1", fmt::format("{}", beta));
  }
  expect(optimizer.eps > 0.0, "optimizer.eps", "above 0", fmt::format("{}", optimizer.eps));
  expect_at_least("optimizer.clip_norm", optimizer.clip_norm, 0.0);
  expect(distributed.zero >= 0 && distributed.zero <= 2, "distributed.zero", "0, 1 or 2",
         std::to_string(distributed.zero));
  expect(distributed.bucket_mb > 0.0, "distributed.bucket_mb", "above 0",
         fmt::format("{}", distributed.bucket_mb));
  expect(distributed.timeout_seconds > 0.0, "distributed.timeout_seconds", "above 0",
         fmt::format("{}", distributed.timeout_seconds));
  expect_at_least<int64_t>("checkpoint.every_steps", checkpoint.every_steps, 0);
  expect_at_least<int64_t>("checkpoint.keep_last", checkpoint.keep_last, 1);
  expect_at_least<int64_t>("threads", threads, 0);
  expect_at_least<int64_t>("model.per_expert_depth", model.per_expert_depth, 1);
  expect_at_least<int64_t>("data.max_tokens", data.max_tokens, 1);
  expect_at_least<int64_t>("data.workers", data.workers, 0);
  expect_at_least<int64_t>("data.prefetch", data.prefetch, 1);
  expect_at_least("data.cache_gb", data.cache_gb, 0.0);
  expect_at_least<int64_t>("evaluation.every_steps", evaluation.every_steps, 0);
  expect_at_least<int64_t>("evaluation.max_pairs", evaluation.max_pairs, 0);
  expect_at_least<int64_t>("evaluation.batch_size", evaluation.batch_size, 1);
  expect_at_least<int64_t>("evaluation.samples", evaluation.samples, 0);
  evaluation.generation.validate();
}

std::vector<TrainConfig> read_train_config(const std::filesystem::path& path,
                                           const std::vector<std::string>& overrides) {
  const auto document = read_yaml_file(path);
  auto configs = document.root["stages"].IsDefined()
                     ? read_stages(document, overrides)
                     : std::vector<TrainConfig>{read_stage(document.root, document, overrides)};
  for (const auto& config : configs) config.validate();
  return configs;
}

std::string to_yaml_text(const TrainConfig& config) {
  return to_yaml(config);
}

}  // namespace ccexpert::train
