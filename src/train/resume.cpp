#include "train/resume.h"

#include <algorithm>
#include <charconv>
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
constexpr std::string_view kFixed[] = {"seed", "batch.global", "data.train", "data.captions",
                                       "model.image_size"};

/// Keys that are read only when a run starts.
constexpr std::string_view kOfStart[] = {"model.start", "model.fresh", "model.init_std",
                                         "model.flag_init_std"};

template <size_t kCount>
bool is_among(const std::string_view (&keys)[kCount], std::string_view key) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

bool affects_resumed_run(const ConfigChange& change) {
  // A checkpoint without an image newline cannot get one.
  const bool adds_newline = change.key == "model.image_newline" && change.now == "'true'";
  return !is_among(kOfStart, change.key) && !adds_newline;
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
  const auto value = [](const auto& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("nothing") : "'" + found->second + "'";
  };
  auto keys = before;
  keys.insert(now.begin(), now.end());
  std::vector<ConfigChange> changes;
  for (const auto& [key, unused] : keys) {
    if (value(before, key) != value(now, key)) changes.push_back({key, value(before, key), value(now, key)});
  }
  return changes;
}

std::vector<std::string> change_notes(const std::vector<ConfigChange>& changes, int64_t step) {
  std::vector<std::string> read, ignored;
  for (const auto& change : changes) {
    auto& texts = affects_resumed_run(change) ? read : ignored;
    texts.push_back(fmt::format("{} from {} to {}", change.key, change.before, change.now));
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
    if (!is_among(kFixed, change.key)) continue;
    fail_expected({change.key, fmt::format("{}, as the run in {} began", change.before, config.output),
                   change.now, "another value needs another output"});
  }
  return changes;
}

}  // namespace ccexpert::train
