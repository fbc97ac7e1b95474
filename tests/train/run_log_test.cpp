// Logs of a run: log.jsonl, TensorBoard events, the report.
#include "train/run_log.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <ccexpert/image/decode.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "train/event_file.h"
#include "train/report.h"
#include "train/tensorboard.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<json> lines_of(const fs::path& log) {
  std::vector<json> lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

class RunLogTest : public ::testing::Test {
 protected:
  RunLogTest() { run_.create(); }

  void write_steps(int64_t behind, int64_t last) {
    RunLog log(run_, behind, behind);
    for (int64_t step = behind + 1; step <= last; ++step)
      log.write(StepLine{.step = step, .steps = 10, .caption_loss = 2.0, .seconds = 0.5, .tokens = 100});
  }
  std::vector<int64_t> logged() const {
    std::vector<int64_t> steps;
    for (const auto& line : lines_of(run_.log())) steps.push_back(line.at("step"));
    return steps;
  }
  std::vector<fs::path> event_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(run_.root())) {
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) files.push_back(entry.path());
    }
    return files;
  }

  test::TemporaryFolder temporary_;
  RunFolder run_{temporary_ / "run"};
};

TEST_F(RunLogTest, AStepIsALine) {
  RunLog log(run_, 0, 0);
  log.write(StepLine{.step = 3,
                     .steps = 10,
                     .caption_loss = 1.5,
                     .mask_loss = 0.25,
                     .image_token_loss = 0.125,
                     .grad_norm = std::nan(""),
                     .seconds = 0.5,
                     .wait_seconds = 0.05,
                     .tokens = 100,
                     .samples = 4,
                     .flops = 2e12,
                     .peak_flops = 8e12,
                     .memory = 3e9});
  const auto line = lines_of(run_.log()).at(0);
  EXPECT_EQ(line.at("event"), "step");
  EXPECT_EQ(line.at("step"), 3);
  EXPECT_EQ(line.at("loss"), 1.5);
  EXPECT_EQ(line.at("mask_loss"), 0.25);
  EXPECT_EQ(line.at("image_token_loss"), 0.125);
  EXPECT_FALSE(line.contains("class_loss"));
  EXPECT_TRUE(line.at("grad_norm").is_null());
  EXPECT_EQ(line.at("tokens_per_second"), 200.0);
  EXPECT_EQ(line.at("pairs_per_second"), 8.0);
  EXPECT_EQ(line.at("data_wait_share"), 0.1);
  EXPECT_EQ(line.at("mfu"), 0.5);
  EXPECT_EQ(line.at("memory_gb"), 3.0);
}

TEST_F(RunLogTest, GoingOnCutsWhatTheCheckpointDoesNotKnow) {
  write_steps(0, 5);
  // A kill in the middle of a line.
  std::ofstream(run_.log(), std::ios::app) << R"({"event":"step","step":2,"lo)";
  write_steps(3, 4);
  EXPECT_THAT(logged(), ElementsAre(1, 2, 3, 4));
  write_steps(0, 1);
  EXPECT_THAT(logged(), ElementsAre(1));
}

TEST_F(RunLogTest, EvaluationsAreCutLikewise) {
  {
    RunLog log(run_, 0, 0);
    log.write(
        EvaluationLine{.step = 2, .pairs = 7, .caption_loss = 1.0, .metric = Metric::kLoss, .score = 1.0});
    log.write(EvaluationLine{
        .step = 4, .pairs = 7, .caption_loss = 0.5, .metric = Metric::kLoss, .score = 0.5, .best = true});
  }
  write_steps(2, 2);
  const auto lines = lines_of(run_.log());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("event"), "evaluation");
  EXPECT_EQ(lines[0].at("pairs"), 7);
  RunLog again(run_, 2, 1);  // saved at step 2, with its evaluation still due
  EXPECT_TRUE(lines_of(run_.log()).empty());
}

TEST_F(RunLogTest, AnEvaluationNamesTheLossOnce) {
  RunLog log(run_, 0, 0);
  const auto printed = [&](const EvaluationLine& line) {
    ::testing::internal::CaptureStderr();
    log.write(line);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(printed({.step = 2, .pairs = 7, .caption_loss = 1.5, .metric = Metric::kLoss, .score = 1.5}),
              HasSubstr("evaluation at step 2: 7 pairs, loss 1.5000, 0.0 s"));
  EXPECT_THAT(printed({.step = 2, .pairs = 7, .caption_loss = 1.5, .metric = Metric::kMeteor, .score = 0.25}),
              HasSubstr("7 pairs, loss 1.5000, meteor 0.2500, 0.0 s"));
}

TEST_F(RunLogTest, DamagedLinesAreLeftOutAndCounted) {
  write_steps(0, 2);
  std::ofstream(run_.log(), std::ios::app)
      << "{\"event\":3,\"step\":1}\n{\"event\":\"step\",\"step\":\"x\"}\n[1]\n"
      << std::string(100'000, '[') << "\n\xff\n";
  ::testing::internal::CaptureStderr();
  write_steps(2, 3);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("log.jsonl: left out 5 damaged lines"));
  EXPECT_THAT(logged(), ElementsAre(1, 2, 3));
}

TEST_F(RunLogTest, TextThatIsNotUtf8IsWritten) {
  RunLog log(run_, 0, 0);
  log.write(EvaluationLine{.step = 1,
                           .metric = Metric::kLoss,
                           .samples = {{"p\xff", "before", "after", "a caption \xe2\x28", {"it is so ."}}}});
  EXPECT_EQ(lines_of(run_.log()).at(0).at("samples")[0].at("uid"), "p\uFFFD");
  log.write_report("title", "config");
}

TEST_F(RunLogTest, AReportOfADamagedLogIsMade) {
  const auto html =
      report_html("title", "config",
                  "{\"event\":\"evaluation\",\"step\":1,\"samples\":[3,{\"before\":7}]}\n{\"event\":{}}\n"
                  "{\"event\":\"evaluation\",\"step\":2,\"samples\":\"none\"}\n");
  EXPECT_THAT(html, HasSubstr("title"));
}

TEST_F(RunLogTest, TextOfAStepIsOneLine) {
  const auto text = to_text(StepLine{.step = 3, .steps = 10, .caption_loss = 1.25, .skipped_updates = 2});
  EXPECT_THAT(text, HasSubstr("step 3/10 | "));
  EXPECT_THAT(text, HasSubstr("loss 1.2500"));
  EXPECT_THAT(text, HasSubstr("2 updates skipped"));
  EXPECT_THAT(text, Not(HasSubstr("MFU")));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST_F(RunLogTest, TensorBoardReadsItsScalars) {
  write_steps(0, 2);
  {
    RunLog log(run_, 2, 2);
    log.write(EvaluationLine{.step = 300,
                             .pairs = 1,
                             .caption_loss = 0.75,
                             .metric = Metric::kChangeAccuracy,
                             .score = 0.5,
                             .scores = {{"bleu_4", 0.25}, {"change_accuracy", 0.5}}});
  }
  std::map<int64_t, std::map<std::string, float>> scalars;
  EXPECT_EQ(event_files().size(), 2U);
  for (const auto& file : event_files()) {
    const auto events = test::read_event_file(read_file(file));
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.front().version, "brain.Event:2");
    for (const auto& event : events) {
      EXPECT_GT(event.wall_time, 1.6e9);
      for (const auto& [tag, value] : event.scalars) scalars[event.step][tag] = value;
    }
  }
  EXPECT_EQ(scalars.at(1).at("loss"), 2.0F);
  EXPECT_EQ(scalars.at(2).at("tokens_per_second"), 200.0F);
  EXPECT_EQ(scalars.at(300).at("validation/loss"), 0.75F);
  EXPECT_EQ(scalars.at(300).at("validation/change_accuracy"), 0.5F);
  EXPECT_EQ(scalars.at(300).at("validation/bleu_4"), 0.25F);
}

/// Returns what TensorBoard shows: a new session supersedes earlier values from its step on.
std::map<int64_t, float> shown(std::vector<fs::path> files, const std::string& tag) {
  std::sort(files.begin(), files.end());  // names start with the time
  std::map<int64_t, float> values;
  for (const auto& file : files) {
    for (const auto& event : test::read_event_file(read_file(file))) {
      if (event.starts_session) values.erase(values.lower_bound(event.step), values.end());
      if (event.scalars.contains(tag)) values[event.step] = event.scalars.at(tag);
    }
  }
  return values;
}

TEST_F(RunLogTest, TensorBoardDropsWhatARestartTookBack) {
  write_steps(0, 5);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the second file has a later name
  {
    RunLog log(run_, 2, 2);
    log.write(StepLine{.step = 3, .caption_loss = 7.0});
  }
  EXPECT_EQ(shown(event_files(), "loss"), (std::map<int64_t, float>{{1, 2.0F}, {2, 2.0F}, {3, 7.0F}}));
}

TEST_F(RunLogTest, AFullDiskIsNamed) {
  TensorBoardWriter board(run_.root(), 0);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 200, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto problem = test::error_of([&] {
    for (int64_t step = 0; step < 100; ++step) board.scalars(step, {{"loss", 1.0}});
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(problem, ::testing::EndsWith(": cannot be written"));
  EXPECT_THAT(problem, HasSubstr("events.out.tfevents."));
}

/// Returns the data embedded in the page's script.
json page_data(const std::string& page) {
  constexpr std::string_view kBegin = "<script>const data=", kEnd = ";\nconst charts";
  const auto begin = page.find(kBegin) + kBegin.size();
  return json::parse(page.substr(begin, page.find(kEnd, begin) - begin));
}

/// Returns the bytes of a "data:image/png;base64," URL.
std::vector<uint8_t> bytes_of(const std::string& address) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::string_view kBegin = "data:image/png;base64,";
  EXPECT_TRUE(address.starts_with(kBegin)) << address.substr(0, 40);
  EXPECT_EQ((address.size() - kBegin.size()) % 4, 0U);
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : address.substr(std::min(kBegin.size(), address.size()))) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    held += 6;
    if (held >= 8) bytes.push_back(static_cast<uint8_t>(bits >> (held -= 8)));
  }
  return bytes;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST_F(RunLogTest, TheReportHoldsTheRun) {
  const auto picture = temporary_ / "a.png";
  const std::vector<uint8_t> grey(3 * 300 * 600, 90);
  image::write_png(picture, {grey.data(), 300, 600, 3 * 600});
  RunLog log(run_, 0, 0);
  log.note("a sentence");
  for (int64_t step = 1; step <= 3; ++step)
    log.write(StepLine{.step = step, .caption_loss = 1.0 / static_cast<double>(step)});
  log.write(
      EvaluationLine{.step = 3,
                     .caption_loss = 0.5,
                     .metric = Metric::kLoss,
                     .samples = {{"u1", picture, temporary_ / "none.png", "a caption", {"one", "two"}}}});
  log.write_report("name", "seed: 42\n");
  const auto page = read_file(run_.report());
  EXPECT_THAT(page, HasSubstr("<title>name</title>"));
  EXPECT_THAT(page, HasSubstr("<pre>seed: 42\n</pre>"));
  const auto data = page_data(page);
  ASSERT_EQ(data.at("steps").size(), 3U);
  EXPECT_EQ(data.at("steps")[1].at("loss"), 0.5);
  const auto sample = data.at("evaluations")[0].at("samples")[0];
  EXPECT_EQ(sample.at("caption"), "a caption");
  EXPECT_THAT(sample.at("references").get<std::vector<std::string>>(), ElementsAre("one", "two"));
  const auto shown = image::decode_image(bytes_of(sample.at("before_picture")), "picture");
  EXPECT_EQ(shown.height, 128);
  EXPECT_EQ(shown.width, 256);
  EXPECT_EQ(shown.pixels.front(), 90);
  EXPECT_EQ(sample.at("after_picture"), "");
}

TEST_F(RunLogTest, TheReportAcceptsTheFormerKeyOfTheImageTokenLoss) {
  const auto data = page_data(report_html("", "", R"({"event":"step","step":1,"token_loss":0.5}
{"event":"step","step":2,"image_token_loss":0.25}
)"));
  EXPECT_EQ(data.at("steps")[0], json({{"event", "step"}, {"step", 1}, {"image_token_loss", 0.5}}));
  EXPECT_EQ(data.at("steps")[1].at("image_token_loss"), 0.25);
}

TEST_F(RunLogTest, PicturesOfEveryKindAreShown) {
  const auto shown = [&](const fs::path& picture) {
    const json line{{"event", "evaluation"}, {"samples", {{{"before", picture.string()}, {"after", ""}}}}};
    const auto data = page_data(report_html("", "", line.dump() + "\n"));
    return data.at("evaluations")[0].at("samples")[0].at("before_picture").get<std::string>();
  };
  // Browsers do not show TIFF, and some images are too large for the page.
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(test::data_folder() / "preprocess/images")) {
    const auto address = shown(entry.path());
    image::Image original;
    if (test::error_of([&] { original = image::decode_image(entry.path()); }) != "no error") {
      EXPECT_EQ(address, "") << entry.path();
      continue;
    }
    const auto picture = image::decode_image(bytes_of(address), "picture");
    EXPECT_EQ(std::max(picture.height, picture.width),
              std::min<int64_t>(256, std::max(original.height, original.width)));
    if (std::max(original.height, original.width) <= 256) {
      EXPECT_EQ(picture.pixels, original.pixels) << entry.path();
    }
    ++seen;
  }
  EXPECT_GE(seen, 10);
  EXPECT_EQ(shown(temporary_.write("broken.png", "Man")), "");
  EXPECT_EQ(shown(temporary_ / "none.png"), "");
}

TEST_F(RunLogTest, NoTextOfTheRunEndsTheScript) {
  for (const std::string text : {"</script><b>", "<!--<script>", "</SCRIPT >", "\"'\\ \n"}) {
    const json line{{"event", "evaluation"},
                    {"samples", {{{"before", ""}, {"after", ""}, {"caption", text}}}}};
    const auto page = report_html(text, text, line.dump() + "\n");
    EXPECT_EQ(count(page, "</script>"), 1U) << text;
    EXPECT_EQ(count(page, "<script>"), 1U) << text;
    EXPECT_EQ(count(page, "<!--"), 0U) << text;
    EXPECT_EQ(count(page, "</SCRIPT"), 0U);
    EXPECT_EQ(page_data(page).at("evaluations")[0].at("samples")[0].at("caption"), text);
  }
}

}  // namespace
}  // namespace ccexpert::train
