// Training runs.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <ccexpert/core/log.h>
#include <ccexpert/train/session.h>

#include "captioner/parts.h"
#include "interruptible.h"
#include "python_calls.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

/// Drops the progress lines of a run.
class QuietLog {
 public:
  explicit QuietLog(bool quiet) {
    if (quiet) log::set_level(log::Level::kWarning);
  }
  ~QuietLog() { log::set_level(log::Level::kInfo); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
};

/// Stages of a run, and the function that gets each line of log.jsonl; its answer False stops the run.
struct Run {
  std::vector<train::TrainConfig> stages;
  PythonCall on_entry;

  /// Returns the number of finished stages.
  size_t train(const std::stop_token& interrupt) {
    std::stop_source stop;
    const std::stop_callback forward(interrupt, [&] { stop.request_stop(); });
    train::RunControl control{.stop = stop.get_token()};
    if (on_entry) {
      control.on_entry = [&](std::string_view entry) {
        if (!on_entry([&] { return nb::make_tuple(nb::str(entry.data(), entry.size())); }))
          stop.request_stop();
      };
    }
    train::Session session(stages, stop.get_token());
    if (session.rank() != 0) log::set_level(log::Level::kWarning);
    size_t finished = 0;
    while (finished < stages.size() && session.train(stages[finished], control)) ++finished;
    return finished;
  }
};

/// Returns name and folder of each stage, and the number of those that are finished.
std::pair<std::vector<std::pair<std::string, std::string>>, size_t> train_stages(
    const std::filesystem::path& config, const std::vector<std::string>& overrides, bool quiet,
    std::optional<nb::callable> on_entry) {
  Run run{train::read_train_config(config, overrides), PythonCall(std::move(on_entry))};
  std::pair<std::vector<std::pair<std::string, std::string>>, size_t> trained;
  for (const auto& stage : run.stages) trained.first.emplace_back(stage.name, stage.output);
  {
    const QuietLog log(quiet);
    run_interruptible([&](const std::stop_token& stop) { trained.second = run.train(stop); });
  }
  run.on_entry.rethrow();
  return trained;
}

}  // namespace

void add_training(nb::module_& module) {
  module.def("train", &train_stages, nb::arg("config"), nb::arg("overrides"), nb::arg("quiet"),
             nb::arg("on_entry").none());
}

}  // namespace ccexpert::python
