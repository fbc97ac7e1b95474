// Manual pages, made from the options of a command.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}  // namespace CLI

namespace ccexpert::tools {

/// Returns the manual page of section 1 as roff with man macros. `version` is the name and version of the
/// program. The page has no date, so that two builds are equal.
std::string manual_page(const CLI::App& app, std::string_view version);

}  // namespace ccexpert::tools
