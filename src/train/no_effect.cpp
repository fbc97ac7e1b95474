#include "train/no_effect.h"

#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ccexpert::train {
namespace {

std::string shown(const std::string& value) {
  return "'" + value + "'";
}
std::string shown(const std::vector<std::string>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}
std::string shown(const std::vector<int64_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}
template <class Value>
std::string shown(const Value& value) {
  if constexpr (Worded<Value>) {
    return shown(text_of(value));
  } else {
    return fmt::format("{}", value);
  }
}
template <class Value>
std::string shown(const std::optional<Value>& value) {
  return value ? shown(*value) : "nothing";
}

/// Collects the values that have no effect for a given reason.
class Finder {
 public:
  explicit Finder(const TrainConfig& config) : config_(config) {}

  /// `member(config)` returns the value of `key`.
  template <class Member>
  void find(const std::string& key, const char* reason, Member member) {
    auto config = config_;
    TrainConfig defaults;
    const auto& value = member(config);
    const auto& usual = member(defaults);
    if (value == usual) return;
    found_.push_back({key, fmt::format("{}, as {}", shown(usual), reason), shown(value),
                      [member, usual = usual](TrainConfig& changed) { member(changed) = usual; }});
  }

  /// Checks every key of a section; `section(config)` returns it.
  template <class Section, class Get>
  void find_section(const std::string& prefix, const char* reason, Get section) {
    for_each_field<Section>([&](const auto& each) {
      using Value = std::remove_cvref_t<decltype(std::declval<Section>().*each.member)>;
      const auto get = [ section, member = each.member ](TrainConfig & config) -> auto& {
        return section(config).*member;
      };
      if constexpr (requires { Value::fields(); }) {
        find_section<Value>(prefix + each.name + ".", reason, get);
      } else {
        find(prefix + each.name, reason, get);
      }
    });
  }

  std::vector<NoEffect> found() { return std::move(found_); }

 private:
  const TrainConfig& config_;
  std::vector<NoEffect> found_;
};

void find_in_model(const ModelSection& model, Finder& finder) {
  if (model.diff_expert) return;
  constexpr const char* kNoExpert = "model.diff_expert is false";
  finder.find(
      "model.vision_layers", kNoExpert, [](TrainConfig & c) -> auto& { return c.model.vision_layers; });
  finder.find(
      "model.per_expert_depth", kNoExpert, [](TrainConfig & c) -> auto& { return c.model.per_expert_depth; });
  finder.find(
      "model.flag_init_std", kNoExpert, [](TrainConfig & c) -> auto& { return c.model.flag_init_std; });
  if (model.fresh) return;
  finder.find(
      "model.init_std", "model.fresh and model.diff_expert are false",
      [](TrainConfig & c) -> auto& { return c.model.init_std; });
}

void find_in_objective(const TrainConfig& config, Finder& finder) {
  const auto consensus = [](TrainConfig & c) -> auto& {
    return c.loss.consensus;
  };
  if (config.objective == StageObjective::kSelfCritical) {
    finder.find("loss.consensus", "objective is self_critical", consensus);
    if (config.data.validation.empty()) {
      finder.find(
          "data.labels", "objective is self_critical and data.validation names no pairs",
          [](TrainConfig & c) -> auto& { return c.data.labels; });
    }
    return;
  }
  if (config.loss.caption == 0.0) finder.find("loss.consensus", "loss.caption is 0", consensus);
  finder.find_section<SelfCriticalSection>(
      "self_critical.", "objective is cross_entropy",
      [](TrainConfig & c) -> auto& { return c.self_critical; });
}

void find_in_generation(const EvaluationSection& evaluation, Finder& finder) {
  const auto section = [](TrainConfig & c) -> auto& {
    return c.evaluation.generation;
  };
  if (evaluation.metric == Metric::kLoss && evaluation.samples == 0) {
    finder.find_section<generate::GenerationOptions>(
        "evaluation.generation.", "evaluation.metric is loss and evaluation.samples is 0", section);
    return;
  }
  if (!evaluation.generation.samples()) {
    finder.find(
        "evaluation.generation.seed", "evaluation.generation does not sample",
        [](TrainConfig & c) -> auto& { return c.evaluation.generation.seed; });
  }
}

}  // namespace

std::vector<NoEffect> values_without_effect(const TrainConfig& config) {
  Finder finder(config);
  if (!config.lora.enabled()) {
    finder.find_section<LoraSection>(
        "lora.", "lora.rank is 0", [](TrainConfig & c) -> auto& { return c.lora; });
  }
  find_in_model(config.model, finder);
  find_in_objective(config, finder);
  if (config.data.workers == 0) {
    finder.find(
        "data.prefetch", "data.workers is 0", [](TrainConfig & c) -> auto& { return c.data.prefetch; });
  }
  if (!config.loss.needs_classes()) {
    finder.find(
        "loss.class_count", "loss.classes and loss.tokens are 0",
        [](TrainConfig & c) -> auto& { return c.loss.class_count; });
  }
  if (config.data.validation.empty()) {
    finder.find_section<EvaluationSection>(
        "evaluation.", "data.validation names no pairs",
        [](TrainConfig & c) -> auto& { return c.evaluation; });
  } else {
    find_in_generation(config.evaluation, finder);
  }
  return finder.found();
}

}  // namespace ccexpert::train
