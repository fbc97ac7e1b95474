// Check of options against the ranges of their fields.
#pragma once

#include <string>

#include <ccexpert/core/fields.h>

namespace ccexpert::datasets {

/// Throws Error naming the first field that is out of range.
template <class Options>
void check_options(const Options& options) {
  check_fields(options, [](const std::string& field) { return field; });
}

}  // namespace ccexpert::datasets
