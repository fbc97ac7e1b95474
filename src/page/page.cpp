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

std::string to_html(const Page& page) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title><style>\n{1}</style></head><body>\n"
      "<h1>{0}</h1>\n{2}{3}</body></html>\n",
      html_escaped(page.title), asset("page.css"), page.body, script_of(page));
}

}  // namespace ccexpert::page
