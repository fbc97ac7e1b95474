#include "datasets/shared/convert.h"

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/threads.h"
#include "datasets/options.h"
#include "datasets/sources/sink.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {

void ConvertOptions::validate() const {
  check_threads("jobs", jobs);
  check_options(*this);
  check_options(crops);
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
