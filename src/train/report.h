// Self-contained HTML report of a run.
#pragma once

#include <string>

namespace ccexpert::train {

/// Returns HTML with curves of the run's log (JSON Lines), the last samples with their images, and the
/// config.
std::string report_html(const std::string& title, const std::string& config_yaml,
                        const std::string& log_lines);

}  // namespace ccexpert::train
