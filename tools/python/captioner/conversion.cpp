// Conversion of data sets.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "captioner/options.h"
#include "captioner/parts.h"
#include "datasets/shared/convert.h"
#include "interruptible.h"
#include "python_calls.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

using datasets::ConvertOptions;
using datasets::ConvertSummary;

nb::dict dict_of(const datasets::SplitCounts& counts) {
  nb::dict made;
  made["pairs"] = counts.pairs;
  made["captions"] = counts.captions;
  made["changed"] = counts.changed;
  made["unchanged"] = counts.unchanged;
  return made;
}

nb::dict dict_of(const ConvertSummary& summary) {
  nb::dict made, splits;
  for (const auto& [name, counts] : summary.splits) splits[name.c_str()] = dict_of(counts);
  made["source"] = summary.source;
  made["splits"] = splits;
  made["merged"] = summary.merged;
  made["left_out"] = summary.left_out;
  made["passed_over"] = summary.passed_over;
  made["blank_captions"] = summary.blank_captions;
  made["interrupted"] = summary.interrupted;
  return made;
}

/// `folders`: names of the folders of a user's images before and after, or empty; `checks`: of image files.
nb::dict convert(const std::filesystem::path& input, const std::filesystem::path& output, std::string source,
                 std::pair<std::string, std::string> folders, const std::filesystem::path& captions_csv,
                 std::pair<bool, bool> checks_and_crops, const nb::dict& given,
                 std::optional<nb::callable> on_progress) {
  ConvertOptions options{.source = std::move(source),
                         .input = input,
                         .output = output,
                         .before_folder = std::move(folders.first),
                         .after_folder = std::move(folders.second),
                         .captions_csv = captions_csv,
                         .check_images = checks_and_crops.first};
  options.crops.enabled = checks_and_crops.second;
  set_fields(given, options, options.crops);
  options.validate();
  PythonCall progress(std::move(on_progress));
  ConvertSummary summary;
  run_interruptible([&](const std::stop_token& interrupt) {
    std::stop_source stop;
    const std::stop_callback forward(interrupt, [&] { stop.request_stop(); });
    const auto done = [&](int64_t entries) {
      if (progress && !progress([&] { return nb::make_tuple(entries); })) stop.request_stop();
    };
    summary = datasets::convert(options, done, stop.get_token());
  });
  progress.rethrow();
  return dict_of(summary);
}

std::vector<std::tuple<std::string, std::string, std::string>> sources() {
  std::vector<std::tuple<std::string, std::string, std::string>> found;
  for (const auto& each : datasets::sources()) found.emplace_back(each.name, each.title, each.layout);
  return found;
}

}  // namespace

void add_conversion(nb::module_& module) {
  module.def("convert", &convert, nb::arg("input"), nb::arg("output"), nb::arg("source"), nb::arg("folders"),
             nb::arg("captions_csv"), nb::arg("checks_and_crops"), nb::arg("options"),
             nb::arg("on_progress").none());
  module.def("sources", &sources);
}

}  // namespace ccexpert::python
