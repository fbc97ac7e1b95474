#include "serve/caption_answer.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include <ccexpert/image/polygons.h>

#include "core/rounded.h"
#include "data/shared/place_fields.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using generate::CaptionEvents;
using generate::CaptionRequest;
using generate::ServedCaption;
using generate::ServiceError;
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
  void put(ServedCaption finished) {
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
  ServedCaption finished() {
    const std::lock_guard lock(mutex_);
    return std::move(finished_.value());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TokenText> tokens_;
  std::optional<ServedCaption> finished_;
  std::exception_ptr error_;
};

CaptionEvents events_to(const std::shared_ptr<Mailbox>& mailbox) {
  return {.on_token =
              [mailbox](const TokenEvent& event) {
                mailbox->put(TokenText{event.token_id, event.logprob, std::string(event.text)});
                return true;
              },
          .on_done = [mailbox](const ServedCaption& caption) { mailbox->put(caption); },
          .on_error = [mailbox](const ServiceError& error) { mailbox->put(with_status(error)); }};
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
        request_({.place_only = job.request.place_only, .deadline = job.request.deadline}),
        cancelling_(asking.captions->submit(std::move(job), events_to(mailbox_)), asking.metrics) {}

  ServedCaption wait(const std::function<void(const TokenText&)>& on_token) {
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
      asking_.expect_client(request_);
    }
    auto finished = mailbox_->finished();
    if (finished.finish == FinishReason::kCancelled) throw late();
    cancelling_.end();
    asking_.metrics.add(finished, request_.place_only ? "place" : finish_word(finished.finish));
    return finished;
  }

 private:
  const Asking& asking_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  CaptionRequest request_;  ///< for what the job's own is not needed any more
  Cancelling cancelling_;
};

/// Submits a job of several; waits while the queue is full, and makes its pair after that.
std::unique_ptr<RunningJob> submitted(const Asking& asking, const CaptionRequest& request,
                                      const std::function<std::shared_ptr<const DecodedPair>()>& pair) {
  while (true) {
    try {
      asking.captions->expect_place(request.client);
      return std::make_unique<RunningJob>(asking, CaptionJob{pair(), request});
    } catch (const HttpError& error) {
      if (error.status() != 429) throw;
    }
    asking.expect_client(request);
    std::this_thread::sleep_for(kLook);
  }
}

data::PredictedPlaces places_of(const ServedCaption& caption, const AskedCaption& asked,
                                const ModelFacts& facts) {
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

void Asking::expect_client(const CaptionRequest& request) const {
  if (exchange.client_left()) throw ClientLeft();
  if (request.deadline && Clock::now() > *request.deadline) throw late();
}

std::string Asking::failure(const std::exception& error, const std::string& id) const {
  metrics.refused(error);
  auto body = error_body(error, id);
  exchange.note_failure(body.status);
  return std::move(body.json);
}

ServedCaption awaited(const Asking& asking, CaptionJob job,
                      const std::function<void(const TokenText&)>& on_token) {
  return RunningJob(asking, std::move(job)).wait(on_token);
}

std::vector<ServedCaption> awaited_all(const Asking& asking, const CaptionRequest& request,
                                       const PairsOf& pairs) {
  std::vector<std::unique_ptr<RunningJob>> running;
  for (size_t i = 0; i < pairs.count; ++i)
    running.push_back(submitted(asking, request, [&] { return pairs.pair(i); }));
  std::vector<ServedCaption> finished;
  for (const auto& job : running) finished.push_back(job->wait([](const TokenText&) {}));
  return finished;
}

std::string_view finish_word(FinishReason reason) {
  return reason == FinishReason::kEndToken ? "stop" : "length";
}

Json usage_json(const ServedCaption& caption) {
  const auto generated = std::ssize(caption.token_ids);
  return {{"prompt_tokens", caption.prompt_tokens},
          {"completion_tokens", generated},
          {"total_tokens", caption.prompt_tokens + generated}};
}

Json answer_json(const ServedCaption& caption, const AskedCaption& asked, const ModelFacts& facts,
                 const std::string& id) {
  Json answer{{"id", id},
              {"model", facts.name},
              {"caption", caption.text},
              {"finish_reason", finish_word(caption.finish)},
              {"logprob", rounded(caption.logprob, 1e4)}};
  if (caption.change) answer["calibrated"] = facts.calibrated;
  data::add_places(answer, places_of(caption, asked, facts));
  answer["usage"] = usage_json(caption);
  answer["seconds"] = {{"queue", rounded(caption.queue_seconds, 1e4)},
                       {"caption", rounded(caption.compute_seconds, 1e4)}};
  return answer;
}

}  // namespace ccexpert::serve
