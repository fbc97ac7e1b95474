#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <ccexpert/text/prompt.h>
#include <ccexpert/train/config.h>

#include "core/foreign_errors.h"
#include "core/yaml.h"
#include "train/no_effect.h"

namespace ccexpert::train {
namespace {

/// Location of a key, for messages.
using PlaceOf = std::function<std::string(const std::string&)>;

/// Checks values; an Error names the location of the key.
class Check {
 public:
  explicit Check(PlaceOf place) : place_(std::move(place)) {}

  void expect(bool holds, const std::string& key, std::string_view expected, const std::string& got) const {
    if (!holds) fail_expected({place_(key), expected, got});
  }

  /// Runs a check of another room and replaces its field name in the message by our key.
  template <class Inner>
  void section(const std::string& prefix, Inner&& inner) const {
    try {
      inner();
    } catch (const Error& error) {
      const std::string text = error.what();
      const auto colon = std::min(text.find(':'), text.size());
      throw Error(place_(prefix + "." + text.substr(0, colon)) + text.substr(colon), error.kind());
    }
  }

 private:
  PlaceOf place_;
};

void check_run(const TrainConfig& config, const Check& check) {
  check.expect(!config.output.empty(), "output", "a folder for the run", "none");
}

void check_model(const ModelSection& model, const Check& check) {
  check.expect(!model.start.empty(), "model.start", "a checkpoint folder to start from", "none");
  check.expect(model.image_newline || !model.diff_expert, "model.image_newline",
               "true, as nothing follows an image's tokens if model.diff_expert is true", "false");
}

void check_data(const DataSection& data, const Check& check) {
  check.expect(!data.train.empty(), "data.train", "annotations or a data list", "none");
  check.section("data", [&] {
    if (!data.question.empty()) text::complete_question(data.question);
    text::chosen_question(data.question, data.prompt_style);
  });
}

void check_batch(const BatchSection& batch, const Check& check) {
  // Blame whichever of the two keys the user set.
  const bool fits = batch.global % batch.micro == 0;
  if (batch.micro == BatchSection{}.micro) {
    check.expect(fits, "batch.global", fmt::format("a multiple of batch.micro ({})", batch.micro),
                 std::to_string(batch.global));
  }
  check.expect(fits, "batch.micro", fmt::format("a divisor of batch.global ({})", batch.global),
               std::to_string(batch.micro));
}

void check_loss(const LossSection& loss, const ModelSection& model, const Check& check) {
  check.expect(loss.caption > 0.0 || loss.auxiliary(), "loss", "at least one weight above 0", "none");
  check.expect(loss.mask == 0.0 || model.diff_expert, "loss.mask", "0, as model.diff_expert is false",
               fmt::format("{}", loss.mask));
}

void check_objective(const TrainConfig& config, const Check& check) {
  check.expect(config.objective != StageObjective::kSelfCritical || config.loss.caption > 0.0, "loss.caption",
               "above 0 with objective self_critical", "0");
  check.expect(config.objective != StageObjective::kSelfCritical || config.distributed.zero < 3,
               "distributed.zero", "0 to 2 with objective self_critical, which draws captions of any length",
               "3");
}

void check_optimizer(const OptimizerSection& optimizer, const Check& check) {
  for (size_t i = 0; i < optimizer.parameters.size(); ++i) {
    const auto& rule = optimizer.parameters[i];
    check.expect(rule.lr_factor > 0.0 || rule.weight_decay == 0.0,
                 fmt::format("optimizer.parameters[{}].weight_decay", i), "0, as lr_factor is 0",
                 fmt::format("{}", rule.weight_decay));
  }
}

void check_int8_base(const TrainConfig& config, const Check& check) {
  if (!config.lora.int8_base) return;
  check.expect(!config.model.fresh, "model.fresh", "false with lora.int8_base", "true");
  check.expect(config.distributed.zero < 3, "distributed.zero", "0 to 2 with lora.int8_base", "3");
  check.expect(config.checkpoint.layout == io::CheckpointLayout::kAuthors, "checkpoint.layout",
               "lmms with lora.int8_base", text_of(config.checkpoint.layout));
}

void check_lora(const LoraSection& lora, const Check& check) {
  check.expect(
      lora.dropout == 0.0, "lora.dropout",
      "0, as a resumed run, a recomputed block and another number of ranks must give the same values",
      fmt::format("{}", lora.dropout));
}

void check_layout(const CheckpointSection& checkpoint, const ModelSection& model, const Check& check) {
  const bool fits_others = !model.diff_expert && model.image_newline;
  check.expect(checkpoint.layout == io::CheckpointLayout::kAuthors || fits_others, "checkpoint.layout",
               "lmms, as transformers has no class for a Diff Expert or for images without image_newline",
               text_of(checkpoint.layout));
}

void check_effects(const TrainConfig& config, const Check& check) {
  for (const auto& each : values_without_effect(config))
    check.expect(false, each.key, each.expected, each.got);
}

void check_all(const TrainConfig& config, const PlaceOf& place) {
  check_fields(config, place);
  const Check check(place);
  check_run(config, check);
  check_model(config.model, check);
  check_data(config.data, check);
  check_batch(config.batch, check);
  check_loss(config.loss, config.model, check);
  check_objective(config, check);
  check_optimizer(config.optimizer, check);
  check_lora(config.lora, check);
  check_int8_base(config, check);
  check_layout(config.checkpoint, config.model, check);
  check.section("evaluation.generation", [&] { config.evaluation.generation.validate(); });
  check_effects(config, check);
}

/// Returns `base` with `over` on top: sections merge, everything else is replaced.
YAML::Node merged(const YAML::Node& base, const YAML::Node& over) {
  if (!base.IsMap() || !over.IsMap()) return over;
  YAML::Node result(YAML::NodeType::Map);
  // force_insert keeps the key's own node, and with it the line that a message names.
  for (const auto& item : base) {
    if (!over[item.first.Scalar()].IsDefined()) result.force_insert(item.first, item.second);
  }
  for (const auto& item : over) {
    const auto key = item.first.Scalar();
    const auto known = base[key];
    result.force_insert(item.first, known.IsDefined() ? merged(known, item.second) : item.second);
  }
  return result;
}

/// Checkpoint of the previous stage, as its link in the run's folder is named.
enum class StartPoint { kBest, kLast };
constexpr auto names_of(StartPoint) {
  return std::to_array<Name<StartPoint>>({{StartPoint::kBest, "best"}, {StartPoint::kLast, "last"}});
}

/// Key `start_from` of a stage. It selects the folder that becomes `model.start` and is not part of a config.
struct StartFrom {
  StartPoint point = StartPoint::kBest;
  std::string place;
};

/// Removes the key from a section and returns it.
std::optional<StartFrom> taken_start_from(YAML::Node& section, const std::string& source) {
  constexpr const char* kKey = "start_from";
  const auto node = section[kKey];
  if (!node.IsDefined()) return std::nullopt;
  StartFrom from{.place = yaml_place(node, source, kKey)};
  read_yaml_value(node, from.point, source, kKey);
  section.remove(kKey);
  return from;
}

[[noreturn]] void refuse_start_from(const StartFrom& from, const char* got) {
  fail_expected({from.place, "a stage that starts from the one before", got});
}

/// Stage as read from file and command line; `place` returns the location of a key.
struct ReadStage {
  TrainConfig config;
  PlaceOf place;
  std::optional<StartFrom> start_from = {};  ///< nothing if neither file nor command line sets it
};

ReadStage read_stage(const YAML::Node& root, const YamlDocument& document,
                     const std::vector<std::string>& overrides) {
  YamlDocument stage{document.source, root};
  for (const auto& assignment : overrides) override_yaml(stage, assignment);
  auto start_from = taken_start_from(stage.root, document.source);
  TrainConfig config;
  read_yaml(stage.root, config, document.source);
  return {std::move(config), [stage](const std::string& key) { return yaml_place_of(stage, key); },
          std::move(start_from)};
}

/// Returns the keys outside of `stages`, which apply to every stage.
YAML::Node common_part(const YAML::Node& root) {
  YAML::Node common(YAML::NodeType::Map);
  for (const auto& item : root) {
    if (item.first.Scalar() != "stages") common.force_insert(item.first, item.second);
  }
  return common;
}

/// True if `node` itself has the key "section.key".
bool says(const YAML::Node& node, const std::string& key) {
  const auto dot = key.find('.');
  const auto value = node[key.substr(0, dot)];
  if (!value.IsDefined()) return false;
  return dot == std::string::npos || (value.IsMap() && says(value, key.substr(dot + 1)));
}

/// Returns the checkpoint of `before` that `stage` starts from.
std::string start_after(const TrainConfig& before, const ReadStage& stage) {
  const auto point = stage.start_from ? stage.start_from->point : StartPoint::kBest;
  return (std::filesystem::path(before.output) / name_of(point)).string();
}

/// Makes a stage start from the previous one: a start or fresh weights set for all stages apply only to the
/// first.
void follow(ReadStage& next, const YAML::Node& stage, const std::vector<ReadStage>& earlier) {
  const auto& before = earlier.back().config;
  auto& model = next.config.model;
  model.start = start_after(before, next);
  if (!says(stage, "model.fresh")) model.fresh = false;
  // An adapter set for all stages applies only to the first with LoRA: its product is in the checkpoint of
  // that stage.
  const bool used = std::ranges::any_of(earlier, [](const auto& each) {
    return each.config.lora.enabled() && !each.config.lora.start.empty();
  });
  if (used && !says(stage, "lora.start")) next.config.lora.start.clear();
  // After the previous stage no image newline is left to leave out.
  if (!before.model.image_newline && !says(stage, "model.image_newline")) model.image_newline = true;
  if (model.fresh || !before.model.diff_expert) return;
  // After the previous stage no weight is left to draw.
  if (!says(stage, "model.init_std")) model.init_std = ModelSection{}.init_std;
  if (!says(stage, "model.flag_init_std")) model.flag_init_std = ModelSection{}.flag_init_std;
}

/// Removes from each stage the common keys without effect in it. A key must have an effect in some stage.
void leave_out_common(std::vector<ReadStage>& stages, const YAML::Node& nodes) {
  std::map<std::string, size_t> unused;
  for (size_t i = 0; i < stages.size(); ++i) {
    for (const auto& each : values_without_effect(stages[i].config)) {
      if (!says(nodes[i], each.key)) ++unused[each.key];
    }
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    for (const auto& each : values_without_effect(stages[i].config)) {
      const bool said_here = says(nodes[i], each.key);
      if (!said_here && unused[each.key] < stages.size()) each.remove(stages[i].config);
    }
  }
}

/// Refuses `start_from` without effect: the first stage, and a run without stages, have no previous stage.
void refuse_idle_start_from(const std::vector<ReadStage>& stages, bool any_starts_from_another) {
  if (stages.front().start_from && !any_starts_from_another)
    refuse_start_from(*stages.front().start_from, "none");
}

/// Reads the stages. Each starts from a checkpoint of the previous one and has its own folder.
std::vector<ReadStage> read_stages(const YamlDocument& document, const std::vector<std::string>& overrides) {
  const auto stages = document.root["stages"];
  const auto refuse = [&](const YAML::Node& where, const char* expected, const std::string& got) {
    fail_expected({yaml_place(where, document.source, "stages"), expected, got});
  };
  if (!stages.IsSequence() || stages.size() == 0) {
    refuse(stages, "a list of sections", yaml_detail::node_text(stages));
  }
  const auto common = common_part(document.root);
  std::vector<ReadStage> read;
  std::set<std::string> names;
  bool any_starts_from_another = false;
  for (const auto& stage : stages) {
    if (!stage.IsMap()) refuse(stage, "sections with keys", yaml_detail::node_text(stage));
    auto next = read_stage(merged(common, stage), document, overrides);
    auto& config = next.config;
    if (config.name == TrainConfig{}.name) config.name = fmt::format("stage{}", read.size() + 1);
    if (!names.insert(config.name).second) {
      refuse(stages, "a different name for each stage", fmt::format("'{}' twice", config.name));
    }
    const bool starts_from_another = !read.empty() && !says(stage, "model.start");
    any_starts_from_another = any_starts_from_another || starts_from_another;
    if (starts_from_another) {
      follow(next, stage, read);
    } else if (stage["start_from"].IsDefined() && next.start_from) {
      refuse_start_from(*next.start_from, read.empty() ? "the first stage" : "one with model.start");
    }
    config.output = (std::filesystem::path(config.output) / config.name).string();
    read.push_back(std::move(next));
  }
  refuse_idle_start_from(read, any_starts_from_another);
  leave_out_common(read, stages);
  return read;
}

std::vector<ReadStage> read_single(const YamlDocument& document, const std::vector<std::string>& overrides) {
  std::vector<ReadStage> read{read_stage(document.root, document, overrides)};
  refuse_idle_start_from(read, false);
  return read;
}

}  // namespace

void TrainConfig::validate() const {
  check_all(*this, [](const std::string& key) { return key; });
}

std::vector<TrainConfig> read_train_config(const std::filesystem::path& path,
                                           const std::vector<std::string>& overrides) try {
  const auto document = read_yaml_file(path);
  const auto stages = document.root["stages"].IsDefined() ? read_stages(document, overrides)
                                                          : read_single(document, overrides);
  std::vector<TrainConfig> configs;
  for (const auto& stage : stages) {
    check_all(stage.config, stage.place);
    configs.push_back(stage.config);
  }
  return configs;
} catch (...) {
  rethrow_as_error();
}

std::string to_yaml_text(const TrainConfig& config) {
  return to_yaml(config);
}

}  // namespace ccexpert::train
