// The page in a real browser: skipped if Chromium is missing.
#include <array>
#include <set>

#include <gmock/gmock.h>

#include <ccexpert/image/decode.h>

#include "serve/assets.h"
#include "serve/server_fixture.h"
#include "support/browser.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve::test {
namespace {

/// Calls `work(result)` and writes the result and all errors into the page. The policy of the server allows
/// only scripts from files.
constexpr const char* kReport = R"(
const errors = [];
addEventListener('error', event => errors.push(event.message));
addEventListener('unhandledrejection', event => errors.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => errors.push(event.violatedDirective));
// Stores of the browser work in real time, in which its virtual time goes on only during a request.
const awake = async work => {
  let waits = true;
  const result = Promise.resolve(work).finally(() => waits = false);
  while (waits) await fetch('healthz');
  return result;
};
const until = async test => {
  for (let i = 0; i < 400 && !await awake(test()); i++) await fetch('healthz');
  if (!await awake(test())) errors.push('waited in vain for ' + test);
};
const report = work => addEventListener('load', async () => {
  const result = {};
  try {
    await work(result);
  } catch (error) {
    errors.push(String(error));
  }
  result.errors = errors;
  const text = document.createElement('pre');
  text.textContent = JSON.stringify(result);
  text.id = 'result-of-test';
  document.body.replaceChildren(text);
});
)";

/// Uses the page as a visitor would.
constexpr const char* kVisit = R"(
const nameless = () => [...document.querySelectorAll('input,select,button')].filter(
  each => !each.labels?.length && !each.ariaLabel && !each.textContent).map(each => each.id);
// The first answer is that of a model that is being loaded.
const asked = fetch;
let loads = true, gone = false;
window.fetch = (path, ...rest) => {
  if (gone && path !== 'healthz') return Promise.reject(new TypeError('Failed to fetch'));
  if (path !== 'readyz' || !loads) return asked(path, ...rest);
  loads = false;
  return Promise.resolve(new Response('{"status":"loading"}', {status: 503}));
};
const dropped = name => {
  const dataTransfer = new DataTransfer();
  if (name) dataTransfer.items.add(new File(['x'], name));
  else dataTransfer.setData('text/plain', 'x');
  return !document.body.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
};
// Copies as a page does that is not from this machine: without the browser's clipboard.
async function copied() {
  const page = part('status');
  Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true});
  let text = '';
  document.execCommand = () => Boolean(text = document.activeElement.value);
  page.textContent = '';
  part('copy').click();
  await until(() => page.textContent);
  return [text, page.textContent];
}
// Asks for a key twice: the second dialog is left without one.
async function keys() {
  const dialog = part('key-dialog'), first = askForKey();
  part('key').value = 'wrong';
  dialog.close('use');
  const used = await awake(first), second = askForKey(), kept = part('key').value;
  dialog.close();
  const left = await awake(second);
  sessionStorage.removeItem('key');
  return [used, left, kept];
}
async function visit(result) {
  const id = name => document.getElementById(name), status = () => id('status').textContent;
  await until(() => status());
  result.loading = status();
  await until(() => id('model').textContent.includes('fake'));
  result.loaded = status();
  result.dropped = [dropped('a.png'), dropped()];
  result.keys = await keys();
  setImage('before', 'data:image/png;base64,AAAA');
  setImage('after', 'data:image/png;base64,AAAA');
  id('ask').requestSubmit();
  await until(() => id('status').className === 'failed');
  result.refused = [status(), id('result').hidden, shown];
  say('');
  gone = true;
  id('ask').requestSubmit();
  await until(() => id('status').className === 'failed');
  result.gone = status();
  gone = false;
  setImage('before', '');
  setImage('after', '');
  say('');
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
  const heat = id('heat').value, strengths = [];
  shown.maps.padded = true;
  for (id('heat').value of [0, 80]) strengths.push(await pictureOf(shown));
  result.paddedHeat = strengths[0] !== strengths[1];
  delete shown.maps.padded;
  id('heat').value = heat;
  result.text = textOf(shown);
  result.copied = await copied();
  await until(() => document.querySelectorAll('#history li').length === 1 && history_()[0].turns.length === 2);
  result.kept = JSON.parse(localStorage.getItem('ccexpert-history'))[0].turns.length;
  const given = {...pair}, entry = history_()[0];
  await until(async () => (await imagesOf(entry.time))?.after === given.after);
  result.isThumbnail = entry.after !== given.after;
  id('sample-road').click();
  document.querySelector('#history button').click();
  await until(() => pair.after === given.after && shown.after === given.after);
  result.turns = document.querySelectorAll('#talk .caption').length;
  result.reopened = [pair.before === given.before, shown.before === given.before, shown.preview, status()];
  await awake(withImages('readwrite', images => images.clear()));
  document.querySelector('#history button').click();
  await until(() => shown.preview && status());
  result.preview = [pair.before, pair.after, document.querySelectorAll('.drop.full').length, status() === kPreviewsOnly];
  say('');
  id('next').value = 'How long?';
  id('again').requestSubmit();
  await until(() => status());
  result.askedOnPreview = [status() === kPreviewsOnly, shown.turns.length];
  await awake(keepImages({time: entry.time, ...given}));
  result.nameless = nameless();
  id('forget').click();
  result.forgotten = id('past').hidden;
  await until(async () => await imagesOf(entry.time) === null);
}
report(visit);
)";

/// Measures the page after a caption at the widths of a phone and of a screen. A window of Chromium is at
/// least 500 pixels wide, so that the page is in a frame.
constexpr const char* kLayout = R"(
const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
const ground = each => {
  for (; each; each = each.parentElement) {
    const colour = numbers(getComputedStyle(each).backgroundColor);
    if (colour.length < 4 || colour[3] > .5) return colour;
  }
  return [255, 255, 255];
};
const luminance = colour => colour.slice(0, 3).map(value => value / 255).map(
  value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4).reduce(
  (sum, value, i) => sum + value * [.2126, .7152, .0722][i], 0);
const contrast = each => {
  const both = [numbers(getComputedStyle(each).color), ground(each)].map(luminance);
  return (Math.max(...both) + .05) / (Math.min(...both) + .05);
};
const hasText = each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
function measured(page) {
  const seen = [...page.body.querySelectorAll('*')].filter(each => each.checkVisibility() && !each.disabled);
  const width = page.documentElement.clientWidth, name = each => each.id || each.className || each.tagName;
  return {
    scrolls: page.documentElement.scrollWidth - width,
    outside: seen.filter(each => each.matches('button,input,p,h1,h2,a,.stage')).filter(
      each => each.getBoundingClientRect().right > width + .5).map(name),
    faint: seen.filter(hasText).filter(each => contrast(each) < 4.5).map(each => name(each) + ' ' + contrast(each).toFixed(2)),
    columns: getComputedStyle(page.querySelector('#result .panel')).gridTemplateColumns.split(' ').length,
    ground: luminance(ground(page.body))
  };
}
report(async result => {
  for (const width of [360, 1280]) {
    const frame = document.createElement('iframe');
    frame.style.cssText = 'border:0;height:800px;width:' + width + 'px';
    frame.src = 'frame';
    document.body.append(frame);
    await new Promise(done => frame.addEventListener('load', done, {once: true}));
    const page = frame.contentDocument, id = name => page.getElementById(name);
    await until(() => id('model').textContent.includes('fake'));
    id('sample-houses').click();
    id('ask').requestSubmit();
    await until(() => id('status').textContent.startsWith('Done') && !id('past').hidden);
    result[width] = measured(page);
  }
});
)";

/// Captions the sample in a frame as wide as a phone and in one as wide as a screen, side by side, for a
/// picture.
constexpr const char* kLook = R"(
document.body.style.cssText = 'margin:0;display:flex';
for (const width of [360, 920]) {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border:0;height:1000px;width:' + width + 'px';
  frame.src = 'frame';
  document.body.append(frame);
  frame.addEventListener('load', async () => {
    const page = frame.contentDocument, id = name => page.getElementById(name);
    await until(() => id('model').textContent.includes('fake'));
    id('sample-houses').click();
    id('ask').requestSubmit();
    await until(() => id('stage').querySelector('.heat'));
  }, {once: true});
}
)";

/// What a picture of a page shows.
struct Picture {
  size_t colours = 0;
  double brightness = 0.0;  ///< mean, of 255
};

Picture picture_in(const std::filesystem::path& file) {
  const auto image = image::decode_image(file);
  std::set<std::array<uint8_t, 3>> colours;
  double sum = 0.0;
  for (size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    colours.insert({image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]});
    sum += image.pixels[i] + image.pixels[i + 1] + image.pixels[i + 2];
  }
  return {colours.size(), sum / static_cast<double>(image.pixels.size())};
}

class PageBrowser : public ServerTest {
 protected:
  void SetUp() override {
    browser_ = ccexpert::test::find_browser();
    if (browser_.empty()) GTEST_SKIP() << ccexpert::test::kNoBrowser;
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
    auto visit = page;
    visit.replace(visit.rfind("</body>"), 7, "<script src=\"visit.js\"></script></body>");
    const auto add = [&](const char* path, const char* type, const std::string& text) {
      app->add({.method = "GET",
                .path = path,
                .handler =
                    [=](const Request&, Exchange&) {
                      return Reply{
                          .type = type,
                          .body = text,
                          .headers = {{"Content-Security-Policy",
                                       "default-src 'none'; script-src 'self'; style-src 'self'; "
                                       "img-src 'self' data: blob:; connect-src 'self'; frame-src 'self'"}}};
                    },
                .open = true});
    };
    constexpr const char* kHtml = "text/html; charset=utf-8";
    add("/visit", kHtml, visit);
    add("/visit.js", "text/javascript", std::string(kReport) + kVisit);
    add("/frame", kHtml, page);
    add("/layout", kHtml, "<!doctype html><html><body><script src=\"layout.js\"></script></body></html>");
    add("/layout.js", "text/javascript", std::string(kReport) + kLayout);
    add("/look", kHtml, "<!doctype html><html><body><script src=\"look.js\"></script></body></html>");
    add("/look.js", "text/javascript", std::string(kReport) + kLook);
  }

  std::string opened(std::string_view path, int64_t time_ms, const std::string& options = "") {
    return ccexpert::test::dom_of(browser_, {.url = fmt::format("http://127.0.0.1:{}{}", app->port(), path),
                                             .profile = folder_ / "profile",
                                             .time_ms = time_ms,
                                             .options = options});
  }

  /// Returns the result of a page's script.
  json visited(std::string_view path, std::string_view options = "") {
    return ccexpert::test::result_in(opened(path, 100'000, std::string(options)), "result-of-test");
  }

  const ccexpert::test::TemporaryFolder folder_;
  std::string browser_;
};

TEST_F(PageBrowser, VisitorsCaptionAskOnAndLookBack) {
  const auto result = visited("/visit");
  EXPECT_EQ(result.value("errors", json("none")), json::array()) << result.dump();
  EXPECT_EQ(result["loading"], "The model is being loaded.");
  EXPECT_EQ(result["loaded"], "");
  EXPECT_EQ(result["dropped"], json::array({true, false})) << "files beside the fields open no page";
  EXPECT_EQ(result["keys"], json::array({true, false, ""}));
  EXPECT_EQ(
      result["refused"],
      json::array({"before: expected a PNG, JPEG, TIFF, BMP or WebP image, got other data", true, nullptr}));
  EXPECT_EQ(result["gone"], "The server does not answer.");
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
  EXPECT_EQ(result["paddedHeat"], true);
  EXPECT_EQ(result["text"], "a road .\nHow wide?\na road .");
  EXPECT_EQ(result["copied"], json::array({"a road .\nHow wide?\na road .", "Copied."}));
  EXPECT_EQ(result["kept"], 2);
  EXPECT_EQ(result["isThumbnail"], true);
  EXPECT_EQ(result["turns"], 2);
  EXPECT_EQ(result["reopened"], json::array({true, true, false, ""})) << "the images that were given";
  EXPECT_EQ(result["preview"], json::array({"", "", 0, true}));
  EXPECT_EQ(result["askedOnPreview"], json::array({true, 2})) << "nothing is asked about previews";
  EXPECT_EQ(result["nameless"], json::array());
  EXPECT_EQ(result["forgotten"], true);
  const auto job = model->last_job();
  ASSERT_EQ(job.request.past.size(), 1);
  EXPECT_EQ(job.request.past[0].answer, "a road .");
  EXPECT_EQ(job.request.question, "How wide?");
  EXPECT_EQ(job.pair->before.width, 256);
}

TEST_F(PageBrowser, PhonesAndDarkSchemesShowAllOfIt) {
  for (const bool dark : {false, true}) {
    const auto result = visited("/layout", dark ? "--force-dark-mode" : "");
    EXPECT_EQ(result.value("errors", json("none")), json::array()) << result.dump();
    for (const auto* width : {"360", "1280"}) {
      SCOPED_TRACE(fmt::format("{} pixels, {}", width, dark ? "dark" : "light"));
      const auto found = result.value(width, json::object());
      EXPECT_EQ(found.value("scrolls", -1), 0);
      EXPECT_EQ(found.value("outside", json("none")), json::array());
      EXPECT_EQ(found.value("faint", json("none")), json::array()) << "contrast below 4.5";
      EXPECT_EQ(found.value("columns", 0), std::string_view(width) == "360" ? 1 : 2);
      const auto ground = found.value("ground", 0.5);
      EXPECT_TRUE(dark ? ground < 0.05 : ground > 0.9) << ground;
    }
  }
}

TEST_F(PageBrowser, PicturesShowThePairInLightAndDark) {
  std::array<Picture, 2> seen;
  for (const bool dark : {false, true}) {
    const auto file = folder_ / (dark ? "serve-dark.png" : "serve-light.png");
    ccexpert::test::take_screenshot(browser_,
                                    {.url = fmt::format("http://127.0.0.1:{}/look", app->port()),
                                     .profile = folder_ / "profile",
                                     .time_ms = 20'000,
                                     .options = dark ? "--force-dark-mode" : ""},
                                    file);
    ASSERT_TRUE(std::filesystem::exists(file));
    seen[dark ? 1 : 0] = picture_in(file);
    // Text and frames alone have some hundreds.
    EXPECT_GT(seen[dark ? 1 : 0].colours, 5000U) << "the images are missing";
  }
  EXPECT_GT(seen[0].brightness, seen[1].brightness + 80.0);
}

TEST_F(PageBrowser, DocumentsAreDrawnWithoutANetwork) {
  const auto dom = opened("/docs", 5000);
  EXPECT_THAT(dom, testing::HasSubstr("<code>POST /v1/captions</code>"));
  EXPECT_THAT(dom, testing::HasSubstr("Largest number of tokens"));
  EXPECT_THAT(dom, testing::HasSubstr("<h3 id=\"Error\">Error</h3>"));
}

}  // namespace
}  // namespace ccexpert::serve::test
