#include "serve/caption_answer.h"

#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include <ccexpert/image/polygons.h>

#include "data/shared/place_fields.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using Json = nlohmann::ordered_json;

/// Interval at which a waiting request looks if its client is still there.
constexpr std::chrono::milliseconds kLook(100);

/// Events of a job on their way to the thread of its request.
class Mailbox {
 public:
  void put(TokenText token) {
    const std::lock_guard lock(mutex_);
    tokens_.push_back(std::move(token));
    changed_.notify_one();
  }
  void put(FinishedCaption finished) {
    const std::lock_guard lock(mutex_);
    finished_ = std::move(finished);
    changed_.notify_one();
  }
  void put(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    changed_.notify_one();
  }

  /// Moves the tokens that have come into `tokens`, after a short wait for anything. Returns true after the
  /// last one. Throws the error of the job.
  bool take(std::deque<TokenText>& tokens) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLook, [this] { return !tokens_.empty() || finished_ || error_; });
    tokens.swap(tokens_);
    if (error_ && tokens.empty()) std::rethrow_exception(error_);
    return finished_.has_value();
  }
  FinishedCaption finished() {
    const std::lock_guard lock(mutex_);
    return std::move(finished_.value());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TokenText> tokens_;
  std::optional<FinishedCaption> finished_;
  std::exception_ptr error_;
};

CaptionEvents events_to(const std::shared_ptr<Mailbox>& mailbox) {
  return {.on_token =
              [mailbox](const TokenEvent& event) {
                mailbox->put(TokenText{event.token_id, event.logprob, std::string(event.text)});
              },
          .on_done = [mailbox](FinishedCaption finished) { mailbox->put(std::move(finished)); },
          .on_error = [mailbox](std::exception_ptr error) { mailbox->put(std::move(error)); }};
}

HttpError late() {
  return {504, "the caption was not complete in time (ask for fewer tokens, or try again later)", "timeout"};
}

/// Cancels and counts a job unless it has ended.
class Cancelling {
 public:
  Cancelling(Captions::Cancel cancel, Metrics& metrics) : cancel_(std::move(cancel)), metrics_(metrics) {}
  ~Cancelling() {
    if (ended_) return;
    cancel_();
    metrics_.failed("cancelled");
  }
  Cancelling(const Cancelling&) = delete;
  Cancelling& operator=(const Cancelling&) = delete;
  void end() { ended_ = true; }
  void fail() {
    ended_ = true;
    metrics_.failed("error");
  }

 private:
  Captions::Cancel cancel_;
  Metrics& metrics_;
  bool ended_ = false;
};

/// Job that has been submitted.
class RunningJob {
 public:
  RunningJob(const Asking& asking, CaptionJob job)
      : asking_(asking),
        deadline_(job.deadline),
        cancelling_(asking.captions.submit(std::move(job), events_to(mailbox_)), asking.metrics) {}

  FinishedCaption wait(const std::function<void(const TokenText&)>& on_token) {
    std::deque<TokenText> tokens;
    bool done = false;
    while (!done) {
      tokens.clear();
      try {
        done = mailbox_->take(tokens);
      } catch (...) {
        cancelling_.fail();
        throw;
      }
      for (const auto& token : tokens) on_token(token);
      if (done) break;
      asking_.expect_client(deadline_);
    }
    auto finished = mailbox_->finished();
    if (finished.caption.finish == FinishReason::kCancelled) throw late();
    cancelling_.end();
    return finished;
  }

 private:
  const Asking& asking_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  Clock::time_point deadline_;
  Cancelling cancelling_;
};

/// Submits a job of several; waits while the queue is full.
std::unique_ptr<RunningJob> submitted(const Asking& asking, const CaptionJob& job) {
  while (true) {
    try {
      return std::make_unique<RunningJob>(asking, job);
    } catch (const HttpError& error) {
      if (error.status() != 429) throw;
    }
    asking.expect_client(job.deadline);
    std::this_thread::sleep_for(kLook);
  }
}

/// Returns the result of `wait`, and counts it or its error.
FinishedCaption counted(const Asking& asking, const std::function<FinishedCaption()>& wait) {
  try {
    auto finished = wait();
    asking.metrics.add(
        ServedCaption{.finish = finish_word(finished.caption.finish),
                      .prompt_tokens = finished.prompt_tokens,
                      .generated_tokens = static_cast<int64_t>(finished.caption.token_ids.size()),
                      .queue_seconds = finished.queue_seconds,
                      .seconds = finished.seconds});
    return finished;
  } catch (const ClientLeft&) {
    asking.metrics.refused("client_left");
    throw;
  } catch (const HttpError& error) {
    asking.metrics.refused(error.code().empty() ? "error" : error.code());
    throw;
  }
}

data::PredictedPlaces places_of(const FinishedCaption& finished, const AskedCaption& asked,
                                const ModelFacts& facts) {
  const auto& caption = finished.caption;
  data::PredictedPlaces places;
  if (caption.change) places.change = {caption.change->map, caption.change->score, caption.change->raw};
  for (const auto& word : caption.words) places.words.push_back({word.word, word.map});
  if (asked.polygons && caption.change) {
    places.polygons = image::change_polygons(caption.change->map, asked.after_height, asked.after_width,
                                             {.threshold = facts.change_threshold});
  }
  return places;
}

}  // namespace

void Asking::expect_client(Clock::time_point deadline) const {
  if (exchange.client_left()) throw ClientLeft();
  if (Clock::now() > deadline) throw late();
}

FinishedCaption awaited(const Asking& asking, CaptionJob job,
                        const std::function<void(const TokenText&)>& on_token) {
  return counted(asking, [&] { return RunningJob(asking, std::move(job)).wait(on_token); });
}

std::vector<FinishedCaption> awaited_all(const Asking& asking, std::span<const CaptionJob> jobs) {
  std::vector<std::unique_ptr<RunningJob>> running;
  for (const auto& job : jobs) running.push_back(submitted(asking, job));
  std::vector<FinishedCaption> finished;
  for (const auto& job : running)
    finished.push_back(counted(asking, [&] { return job->wait([](const TokenText&) {}); }));
  return finished;
}

std::string_view finish_word(FinishReason reason) {
  return reason == FinishReason::kEndToken ? "stop" : "length";
}

Json usage_json(const FinishedCaption& finished) {
  const auto generated = static_cast<int64_t>(finished.caption.token_ids.size());
  return {{"prompt_tokens", finished.prompt_tokens},
          {"completion_tokens", generated},
          {"total_tokens", finished.prompt_tokens + generated}};
}

Json answer_json(const FinishedCaption& finished, const AskedCaption& asked, const ModelFacts& facts,
                 const std::string& id) {
  const auto& caption = finished.caption;
  Json answer{{"id", id},
              {"model", facts.name},
              {"caption", caption.text},
              {"finish_reason", finish_word(caption.finish)},
              {"logprob", std::round(caption.logprob * 1e4) / 1e4}};
  if (caption.change) answer["calibrated"] = facts.calibrated;
  data::add_places(answer, places_of(finished, asked, facts));
  answer["usage"] = usage_json(finished);
  answer["seconds"] = {{"queue", std::round(finished.queue_seconds * 1e4) / 1e4},
                       {"caption", std::round(finished.seconds * 1e4) / 1e4}};
  return answer;
}

}  // namespace ccexpert::serve
