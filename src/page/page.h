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

/// Returns the start of a page that is written in pieces: its head and the title's heading. `style` is a file
/// of assets/ with further rules; empty: none.
std::string html_start(std::string_view title, std::string_view style = {});
/// Returns the end of such a page, with `script`, a file of assets/, the viewer of pairs and the functions
/// that all scripts share.
std::string html_end(std::string_view script);

/// Returns a file of assets/, which is part of the program. Throws Error for another name.
std::string_view asset(std::string_view name);

}  // namespace ccexpert::page
