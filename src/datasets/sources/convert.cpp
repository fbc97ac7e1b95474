#include "datasets/shared/convert.h"

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/threads.h"
#include "datasets/sources/sink.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

void expect_share(const char* name, double value) {
  if (!(value >= 0 && value <= 1)) fail_expected({name, "a share from 0 to 1", std::to_string(value)});
}

}  // namespace

void ConvertOptions::validate() const {
  expect_share("crops: target_share", crops.target_share);
  expect_share("crops: whole_share", crops.whole_share);
  expect_share("crops: least_share", crops.least_share);
  if (crops.least_side < 1)
    fail_expected({"crops: least_side", "1 pixel or more", std::to_string(crops.least_side)});
  if (crops.most < 1) fail_expected({"crops: most", "1 window or more", std::to_string(crops.most)});
  check_threads("jobs", jobs);
}

ConvertSummary convert(const ConvertOptions& options, const std::function<void(int64_t)>& done,
                       std::stop_token stop) try {
  options.validate();
  if (!is_folder(options.input)) fail_expected({options.input.string(), "a folder with a data set", "none"});
  const auto& source =
      source_named(options.source == "auto" ? recognise_source(options.input) : options.source);
  Sink sink(options, source.name, done, std::move(stop));
  try {
    source.read(sink);
  } catch (const Stopped&) {
    return {.source = source.name, .interrupted = true};
  }
  return sink.commit();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
