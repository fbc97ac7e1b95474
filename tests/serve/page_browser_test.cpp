// The page in a real browser: skipped if Chromium is missing.
#include <cstdio>

#include <gmock/gmock.h>

#include "serve/assets.h"
#include "serve/server_fixture.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve::test {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  char buffer[4096];
  for (size_t read = 1; read > 0; text.append(buffer, read))
    read = std::fread(buffer, 1, sizeof buffer, pipe.get());
  return text;
}

/// Uses the page as a visitor would, and writes what it sees into the page. The policy of the server allows
/// only scripts from files.
constexpr const char* kVisit = R"(
const errors = [];
addEventListener('error', event => errors.push(event.message));
addEventListener('unhandledrejection', event => errors.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => errors.push(event.violatedDirective));
const until = async test => {
  for (let i = 0; i < 400 && !test(); i++) await new Promise(done => setTimeout(done, 10));
  if (!test()) errors.push('waited in vain for ' + test);
};
const nameless = () => [...document.querySelectorAll('input,select,button')].filter(
  each => !each.labels?.length && !each.ariaLabel && !each.textContent).map(each => each.id);
async function visit(result) {
  const id = name => document.getElementById(name), status = () => id('status').textContent;
  await until(() => id('model').textContent.includes('fake'));
  id('ask').requestSubmit();
  await until(() => status());
  result.withoutImages = status();
  id('sample-houses').click();
  result.previews = document.querySelectorAll('.drop.full').length;
  id('ask').requestSubmit();
  await until(() => status().startsWith('Done'));
  const stage = id('stage');
  await until(() => stage.querySelector('.heat'));
  result.caption = document.querySelector('#talk .caption').textContent;
  result.marks = id('marks').textContent;
  result.words = [...document.querySelectorAll('#talk .word')].map(each => each.textContent);
  document.querySelector('.word').focus();
  result.lit = stage.classList.contains('lit');
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
  result.second = document.activeElement.textContent;
  document.activeElement.blur();
  const swipe = stage.querySelector('.swipe');
  swipe.value = 20;
  swipe.dispatchEvent(new Event('input'));
  result.clip = getComputedStyle(stage.querySelector('.after')).clipPath;
  id('heat').value = 30;
  id('heat').dispatchEvent(new Event('input'));
  result.heat = getComputedStyle(stage.querySelector('.heat')).opacity;
  id('next').value = 'How wide?';
  id('again').requestSubmit();
  await until(() => document.querySelectorAll('#talk .caption').length === 2 && status().startsWith('Done'));
  result.answers = [...document.querySelectorAll('#talk p')].map(each => each.textContent);
  result.picture = (await pictureOf(shown)).slice(0, 22);
  result.text = textOf(shown);
  await until(() => document.querySelectorAll('#history li').length === 1);
  result.kept = JSON.parse(localStorage.getItem('ccexpert-history'))[0].turns.length;
  document.querySelector('#history button').click();
  await until(() => document.querySelectorAll('#talk .caption').length === 2);
  result.nameless = nameless();
  id('forget').click();
  result.forgotten = id('past').hidden;
}
addEventListener('load', async () => {
  const result = {};
  try {
    await visit(result);
  } catch (error) {
    errors.push(String(error));
  }
  result.errors = errors;
  const text = element('pre', '', JSON.stringify(result));
  text.id = 'result-of-test';
  document.body.replaceChildren(text);
});
)";

class PageBrowser : public ServerTest {
 protected:
  void SetUp() override {
    browser_ = output_of("command -v chromium || command -v chromium-browser || command -v google-chrome");
    if (browser_.empty()) GTEST_SKIP() << "no Chromium on this machine (Debian: apt-get install chromium)";
    browser_.pop_back();
    config.port = 0;
    app = std::make_unique<App>(config, limits, "9.9");
    add_visit();
    auto made = std::make_unique<FakeCaptions>();
    model = made.get();
    app->take(std::move(made));
    app->start();
  }

  /// Adds the page with the script of the visit.
  void add_visit() {
    std::string page;
    for (const auto& each : assets()) {
      if (each.name == "index.html") page = each.text;
    }
    page.replace(page.rfind("</body>"), 7, "<script src=\"visit.js\"></script></body>");
    const auto add = [&](const char* path, const char* type, const std::string& text) {
      app->add({.method = "GET",
                .path = path,
                .handler =
                    [=](const Request&, Exchange&) {
                      return Reply{.type = type,
                                   .body = text,
                                   .headers = {{"Content-Security-Policy",
                                                "default-src 'none'; script-src 'self'; style-src 'self'; "
                                                "img-src 'self' data: blob:; connect-src 'self'"}}};
                    },
                .open = true});
    };
    add("/visit", "text/html; charset=utf-8", page);
    add("/visit.js", "text/javascript", kVisit);
  }

  json visited() {
    const auto dom = output_of(fmt::format(
        "{} --headless=new --no-sandbox --disable-gpu --no-first-run --force-prefers-reduced-motion "
        "--user-data-dir='{}' --window-size=900,700 --virtual-time-budget=20000 --dump-dom "
        "'http://127.0.0.1:{}/visit' 2>/dev/null",
        browser_, (folder_ / "profile").string(), app->port()));
    const std::string mark = "<pre id=\"result-of-test\">";
    const auto start = dom.find(mark);
    if (start == std::string::npos) return {{"dom", dom.substr(0, 3000)}};
    return json::parse(dom.substr(start + mark.size(), dom.find("</pre>", start) - start - mark.size()));
  }

  const ccexpert::test::TemporaryFolder folder_;
  std::string browser_;
};

TEST_F(PageBrowser, VisitorsCaptionAskOnAndLookBack) {
  const auto result = visited();
  EXPECT_EQ(result.value("errors", json("none")), json::array()) << result.dump();
  EXPECT_EQ(result["withoutImages"], "Two images are needed: before and after.");
  EXPECT_EQ(result["previews"], 2);
  EXPECT_EQ(result["caption"], "a road .");
  EXPECT_EQ(result["marks"], "strength of the change 0.75");
  EXPECT_EQ(result["words"], json::array({"a", "road"}));
  EXPECT_EQ(result["lit"], true);
  EXPECT_EQ(result["second"], "road");
  EXPECT_EQ(result["clip"], "inset(0px 0px 0px 20%)");
  EXPECT_EQ(result["heat"], "0.3");
  EXPECT_EQ(result["answers"], json::array({"a road .", "How wide?", "a road ."}));
  EXPECT_EQ(result["picture"], "data:image/png;base64,");
  EXPECT_EQ(result["text"], "a road .\nHow wide?\na road .");
  EXPECT_EQ(result["kept"], 2);
  EXPECT_EQ(result["nameless"], json::array());
  EXPECT_EQ(result["forgotten"], true);
  const auto job = model->last_job();
  ASSERT_EQ(job.past.size(), 1);
  EXPECT_EQ(job.past[0].answer, "a road .");
  EXPECT_EQ(job.question, "How wide?");
  EXPECT_EQ(job.pair->before.width, 256);
}

TEST_F(PageBrowser, DocumentsAreDrawnWithoutANetwork) {
  const auto dom = output_of(
      fmt::format("{} --headless=new --no-sandbox --disable-gpu --no-first-run --user-data-dir='{}' "
                  "--virtual-time-budget=5000 --dump-dom 'http://127.0.0.1:{}/docs' 2>/dev/null",
                  browser_, (folder_ / "profile").string(), app->port()));
  EXPECT_THAT(dom, testing::HasSubstr("<code>POST /v1/captions</code>"));
  EXPECT_THAT(dom, testing::HasSubstr("Largest number of tokens"));
  EXPECT_THAT(dom, testing::HasSubstr("<h3 id=\"Error\">Error</h3>"));
}

}  // namespace
}  // namespace ccexpert::serve::test
