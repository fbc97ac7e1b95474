// The demo model behind the server's interface.
#include "serve/served_captions.h"

#include <condition_variable>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "serve/replies.h"
#include "support/errors.h"
#include "support/paths.h"

namespace ccexpert::serve {
namespace {

using ccexpert::test::error_of;
using ccexpert::test::kSourceDir;

std::filesystem::path source() {
  return kSourceDir;
}

std::shared_ptr<const DecodedPair> demo_pair() {
  const auto folder = source() / "docs/images/demo";
  auto pair = std::make_shared<DecodedPair>();
  pair->before = image::decode_image(folder / "before.png");
  pair->after = image::decode_image(folder / "after.png");
  return pair;
}

/// Waits for the end of a job.
class Ending {
 public:
  generate::CaptionEvents events() {
    return {.on_token =
                [this](const TokenEvent& event) {
                  text += event.text;
                  return true;
                },
            .on_done =
                [this](const generate::ServedCaption& result) {
                  finished = result;
                  end();
                },
            .on_error =
                [this](const generate::ServiceError& thrown) {
                  error = with_status(thrown);
                  end();
                }};
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return has_ended_; });
  }
  /// Returns the status of the error.
  int status() {
    wait();
    try {
      if (error) std::rethrow_exception(error);
    } catch (const HttpError& http) {
      return http.status();
    } catch (const Error&) {
      return 0;
    }
    return 200;
  }

  std::string text;
  generate::ServedCaption finished;
  std::exception_ptr error;

 private:
  void end() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    ended_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
};

CaptionJob job_of(const std::shared_ptr<const DecodedPair>& pair) {
  CaptionJob job;
  job.pair = pair;
  job.request.generation.max_new_tokens = 24;
  job.request.client = "a";
  job.request.deadline = Clock::now() + std::chrono::minutes(5);
  return job;
}

TEST(ServedCaptions, AnswersAsTheCaptionerAlone) {
  auto captioner = Captioner::load(source() / "models/demo", {.device = "cpu", .threads = 1});
  const auto pair = demo_pair();
  const auto alone = captioner.caption(pair->before.view(), pair->after.view(),
                                       {.generation = {.max_new_tokens = 24}, .locate = true});
  const auto captions = served_captions(std::move(captioner), "demo", {.rows = 2, .queued = 2});
  EXPECT_EQ(captions->facts().name, "demo");
  EXPECT_TRUE(captions->facts().calibrated);
  Ending first, second, late, beams;
  auto job = job_of(pair);
  job.request.locate = job.request.words = true;
  captions->submit(job, first.events());
  first.wait();
  EXPECT_EQ(first.finished.text, alone.text);
  EXPECT_EQ(first.text, alone.text);
  EXPECT_GT(first.finished.prompt_tokens, 100);
  ASSERT_TRUE(first.finished.change);
  EXPECT_NEAR(first.finished.change->score, alone.change->score, 1e-5);
  EXPECT_FALSE(first.finished.words.empty());

  job = job_of(pair);
  job.request.past.push_back({"", first.finished.text});
  job.request.question = "Where?";
  captions->submit(job, second.events());
  second.wait();
  EXPECT_GT(second.finished.prompt_tokens, first.finished.prompt_tokens + 5);

  job = job_of(pair);
  job.request.deadline = Clock::now() - std::chrono::seconds(1);
  captions->submit(job, late.events());
  EXPECT_EQ(late.status(), 504);

  job = job_of(pair);
  job.request.generation.beams = 2;
  captions->submit(job, beams.events());
  EXPECT_EQ(beams.status(), 200);
  EXPECT_EQ(beams.text, "");

  job = job_of(pair);
  job.request.question = "<image> only one";
  EXPECT_NE(error_of([&] { captions->submit(job, beams.events()); }), "no error");
  captions->drain({});
  try {
    captions->submit(job_of(pair), beams.events());
    ADD_FAILURE() << "an ending service took a job";
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), 503);
  }
}

}  // namespace
}  // namespace ccexpert::serve
