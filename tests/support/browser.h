// Pages in a real browser: tests are skipped where Chromium is missing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::test {

/// Returns the standard output of a command of the shell.
inline std::string output_of(const std::string& command) {
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  char buffer[4096];
  for (size_t read = 1; read > 0; text.append(buffer, read))
    read = std::fread(buffer, 1, sizeof buffer, pipe.get());
  return text;
}

/// Returns the program of a browser; nothing if none is installed.
inline std::string find_browser() {
  auto path = output_of("command -v chromium || command -v chromium-browser || command -v google-chrome");
  if (!path.empty()) path.pop_back();
  return path;
}

inline constexpr const char* kNoBrowser = "no Chromium on this machine (Debian: apt-get install chromium)";

/// Page to open.
struct PageVisit {
  std::string url;
  std::filesystem::path profile;  ///< folder of the browser's own files
  int64_t time_ms = 0;            ///< of the page's clock, which runs ahead
  std::string options = {};       ///< further ones of the browser
};

/// Returns the document in the end of a visit.
inline std::string dom_of(const std::string& browser, const PageVisit& visit) {
  return output_of(fmt::format(
      "{} --headless=new --no-sandbox --disable-gpu --no-first-run --force-prefers-reduced-motion "
      "--user-data-dir='{}' --window-size=900,700 --virtual-time-budget={} {} --dump-dom '{}' 2>/dev/null",
      browser, visit.profile.string(), visit.time_ms, visit.options, visit.url));
}

/// Takes a picture of a page at the end of a visit. With CCEXPERT_SCREENSHOTS, which names a folder, it is
/// kept there under the file's name.
inline void take_screenshot(const std::string& browser, const PageVisit& visit,
                            const std::filesystem::path& file) {
  output_of(
      fmt::format("{} --headless=new --no-sandbox --disable-gpu --no-first-run "
                  "--force-prefers-reduced-motion --hide-scrollbars "
                  "--user-data-dir='{}' --window-size=1280,1000 --virtual-time-budget={} {} "
                  "--screenshot='{}' '{}' 2>/dev/null",
                  browser, visit.profile.string(), visit.time_ms, visit.options, file.string(), visit.url));
  const char* kept = std::getenv("CCEXPERT_SCREENSHOTS");
  if (kept == nullptr || !std::filesystem::exists(file)) return;
  std::filesystem::create_directories(kept);
  std::filesystem::copy_file(file, std::filesystem::path(kept) / file.filename(),
                             std::filesystem::copy_options::overwrite_existing);
}

/// Returns the JSON that a script has written into an element `pre`; without it, the document as "dom".
inline nlohmann::json result_in(const std::string& dom, const std::string& id) {
  const auto mark = fmt::format("<pre id=\"{}\">", id);
  const auto start = dom.find(mark);
  if (start == std::string::npos) return {{"dom", dom.substr(0, 3000)}};
  const auto text = dom.substr(start + mark.size(), dom.find("</pre>", start) - start - mark.size());
  return nlohmann::json::parse(text);
}

/// Counts errors from the start. Without a window, frames come when they like: a timer is in their place.
inline constexpr const char* kBrowserWatch =
    "<head><script>const errors=[];addEventListener('error',event=>errors.push(event.message));"
    "window.requestAnimationFrame=task=>setTimeout(task,1)</script>";

/// Functions for the checks of a page: `look(result)` fills the result that the test reads.
inline constexpr const char* kBrowserCheck = R"(<script>
const rest = () => new Promise(done => setTimeout(done, 30));
const change = async (id, value, event = 'input') => {
  document.getElementById(id).value = value;
  document.getElementById(id).dispatchEvent(new Event(event));
  await rest();
};
const shown = () => [...document.querySelectorAll('.card:not([hidden]) h2')].map(each => each.textContent);
const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
const nameless = () => [...document.querySelectorAll('input,select,button')].filter(
  each => !each.hidden && !each.labels?.length && !each.ariaLabel && !each.textContent).length;
(async () => {
  const result = {};
  await rest();
  try {
    await look(result);
  } catch (error) {
    errors.push(String(error));
  }
  result.errors = errors;
  const text = document.createElement('pre');
  text.id = 'result';
  text.textContent = JSON.stringify(result);
  document.body.replaceChildren(text);
})();
</script></body>)";

class BrowserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    browser_ = find_browser();
    if (browser_.empty()) GTEST_SKIP() << kNoBrowser;
  }

  /// Returns what `look` of a script fills in when the page is open.
  nlohmann::json seen(const std::filesystem::path& page, const std::string& look) {
    auto html = content(page);
    html.replace(html.find("<head>"), 6, kBrowserWatch);
    html.replace(html.rfind("</body>"), 7, "<script>" + look + "</script>" + kBrowserCheck);
    const auto checked = folder_.write("checked.html", html);
    const PageVisit visit{
        .url = "file://" + checked.string(), .profile = folder_ / "profile", .time_ms = 8000};
    return result_in(dom_of(browser_, visit), "result");
  }

  TemporaryFolder folder_;
  std::string browser_;
};

}  // namespace ccexpert::test
