#include "page/page.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "page/assets.h"
#include "page/html.h"

namespace ccexpert::page {
namespace {

std::string script_of(const Page& page) {
  if (page.script.empty()) return {};
  return fmt::format("<script>const data={};\n{}{}</script>\n", script_safe(page.data), asset(page.script),
                     asset("elements.js"));
}

}  // namespace

std::string_view asset(std::string_view name) {
  const auto all = assets();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Asset& each) { return each.name == name; });
  if (found == all.end()) fail(name, "is not an embedded file", "", ErrorKind::kInternal);
  return found->text;
}

std::string html_start(std::string_view title, std::string_view style) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title><style>\n{1}{2}</style></head><body><main>\n"
      "<h1>{0}</h1>\n",
      html_escaped(title), asset("page.css"), style.empty() ? std::string_view() : asset(style));
}

std::string html_end(std::string_view script) {
  return fmt::format("</main><script>\n{}{}{}</script>\n</body></html>\n", asset(script), asset("viewer.js"),
                     asset("elements.js"));
}

std::string to_html(const Page& page) {
  return html_start(page.title) + page.body + "</main>" + script_of(page) + "</body></html>\n";
}

}  // namespace ccexpert::page
