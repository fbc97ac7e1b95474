// A run on one page that needs no other file.
#pragma once

#include <string>

namespace ccexpert::train {

/// HTML with curves of the run's log (JSON Lines), the last samples with their pictures, and the config.
std::string report_html(const std::string& title, const std::string& config_yaml,
                        const std::string& log_lines);

}  // namespace ccexpert::train
