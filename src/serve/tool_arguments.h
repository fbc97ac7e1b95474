// Arguments of tools of the Model Context Protocol.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ccexpert::serve {

/// Throws Error for an argument that is no property of the tool's inputSchema. `tool`: its JSON, as in
/// tools/list.
void expect_known_arguments(const nlohmann::json& arguments, std::string_view tool);

}  // namespace ccexpert::serve
