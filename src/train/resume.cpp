#include "train/resume.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/files.h"
#include "core/yaml.h"
#include "train/agreement.h"
#include "train/manifest.h"
#include "train/training_state.h"

namespace ccexpert::train {
namespace {

/// Keys that must not change: they determine the sample order, to which a saved position refers, or the
/// shapes of the optimiser's state.
constexpr std::string_view kFixed[] = {"seed",          "batch.global",     "data.train",
                                       "data.captions", "model.image_size", "lora.rank",
                                       "lora.alpha",    "lora.rslora"};
/// List whose elements must not change.
constexpr std::string_view kFixedList = "lora.targets[";

/// Change that a resumed run does not read.
struct UnreadChange {
  std::string_view key;
  std::optional<std::string_view> to = {};  ///< only a change to this value (nothing: every change)
};

/// Keys that are read only when a run starts. Only the start can give a model its image newline, which a
/// resumed run can still leave out.
constexpr UnreadChange kUnread[] = {{"model.start"},
                                    {"model.fresh"},
                                    {"model.init_std"},
                                    {"model.flag_init_std"},
                                    {"model.image_newline", "true"},
                                    {"lora.start"}};

bool is_fixed(const std::string& key) {
  return key.starts_with(kFixedList) ||
         std::find(std::begin(kFixed), std::end(kFixed), key) != std::end(kFixed);
}

bool affects_resumed_run(const ConfigChange& change) {
  return std::none_of(std::begin(kUnread), std::end(kUnread), [&](const auto& unread) {
    return change.key == unread.key && (!unread.to || change.now == unread.to);
  });
}

/// Returns a value of a config for a message.
std::string shown(const std::optional<std::string>& value) {
  return value ? "'" + *value + "'" : "nothing";
}

/// Returns the steps, newest first. Only rank 0 lists the folder, since it may still write.
std::vector<int64_t> agree_on_steps(const RunFolder& folder, distributed::Communicator& communicator) {
  const auto text = first_rank_says(communicator, [&] {
    folder.create();
    folder.restore_replaced();
    folder.prune(0, 0);  // no step is <= 0, so this removes only unfinished files of a killed run
    std::string list;
    for (const int64_t step : folder.steps()) list += std::to_string(step) + " ";
    return list;
  });
  std::vector<int64_t> steps;
  std::istringstream list(text);
  for (int64_t step = 0; list >> step;) steps.insert(steps.begin(), step);
  return steps;
}

/// Formats a number in its shortest form.
std::string readable(const std::string& value) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  return is_number ? fmt::format("{}", number) : value;
}

void flatten(const YAML::Node& node, const std::string& key, std::map<std::string, std::string>& values) {
  if (node.IsMap()) {
    for (const auto& item : node) {
      flatten(item.second, (key.empty() ? "" : key + ".") + item.first.Scalar(), values);
    }
  } else if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) flatten(node[i], fmt::format("{}[{}]", key, i), values);
  } else {
    values[key] = node.IsScalar() ? readable(node.Scalar()) : "";
  }
}

}  // namespace

std::map<std::string, std::string> config_values(const std::string& yaml, const std::string& source) {
  std::map<std::string, std::string> values;
  flatten(parse_yaml(yaml, source).root, "", values);
  return values;
}

int64_t agree_on_start(const RunFolder& folder, distributed::Communicator& communicator) {
  const auto steps = agree_on_steps(folder, communicator);
  for (const int64_t step : steps) {
    // Each rank reads its share of the files.
    const auto problem = problem_on_any(communicator, [&] {
      verify_training_state(folder.checkpoint(step), communicator.rank(), communicator.size());
    });
    if (problem.empty()) return step;
    if (communicator.rank() == 0) {
      log::warning(fmt::format("checkpoint of step {} is broken and was skipped: {}", step, problem));
    }
  }
  if (!steps.empty()) {
    fail(folder.root().string(), fmt::format("none of its {} checkpoints is intact", steps.size()),
         "remove them to start anew");
  }
  return 0;
}

void expect_undamaged(const std::filesystem::path& start, distributed::Communicator& communicator) {
  const auto problem = problem_on_any(communicator, [&] {
    if (!is_there(start / kManifestFile)) return;
    verify_manifest(start, communicator.rank(), communicator.size(), MissingFiles::kPass);
  });
  if (!problem.empty()) fail("model.start", problem);
}

std::vector<ConfigChange> config_changes(const std::string& before_yaml, const std::string& now_yaml) {
  auto before = config_values(before_yaml, "config.yaml"), now = config_values(now_yaml, "config");
  before.erase("output");
  now.erase("output");
  const auto value_of = [](const auto& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::optional<std::string>() : found->second;
  };
  // A key that an earlier version did not have yet had no effect, like its default.
  const auto defaults = config_values(to_yaml_text(TrainConfig{}), "defaults");
  auto keys = before;
  keys.insert(now.begin(), now.end());
  std::vector<ConfigChange> changes;
  for (const auto& [key, unused] : keys) {
    ConfigChange change{key, value_of(before, key), value_of(now, key)};
    const bool is_new = !change.before && value_of(defaults, key) == change.now;
    if (change.before != change.now && !is_new) changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<std::string> change_notes(const std::vector<ConfigChange>& changes, int64_t step) {
  std::vector<std::string> read, ignored;
  for (const auto& change : changes) {
    auto& texts = affects_resumed_run(change) ? read : ignored;
    texts.push_back(fmt::format("{} from {} to {}", change.key, shown(change.before), shown(change.now)));
  }
  std::vector<std::string> notes;
  if (!read.empty()) notes.push_back(fmt::format("changed since step {}: {}", step, fmt::join(read, ", ")));
  if (!ignored.empty())
    notes.push_back(
        fmt::format("no effect, as the run is resumed after step {}: {}", step, fmt::join(ignored, ", ")));
  return notes;
}

std::vector<ConfigChange> changes_since(const std::filesystem::path& checkpoint, const TrainConfig& config) {
  auto changes = config_changes(read_file(checkpoint / "config.yaml"), to_yaml_text(config));
  for (const auto& change : changes) {
    if (!is_fixed(change.key)) continue;
    fail_expected({change.key, fmt::format("{}, as the run in {} began", shown(change.before), config.output),
                   shown(change.now), "another value needs another output"});
  }
  return changes;
}

}  // namespace ccexpert::train
