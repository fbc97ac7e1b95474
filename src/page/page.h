// Self-contained HTML pages: one skeleton and one style for all of them.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::page {

struct Page {
  std::string title;             ///< plain text
  std::string body;              ///< HTML after the title's heading
  std::string_view script = {};  ///< file of assets/ that draws from `data`; empty: no script
  std::string data = "null";     ///< JSON
};

/// Returns the page with its style, script and data inside.
std::string to_html(const Page& page);

/// Returns a file of assets/, which is part of the program. Throws Error for another name.
std::string_view asset(std::string_view name);

}  // namespace ccexpert::page
