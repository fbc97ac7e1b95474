#include "serve/queued_captions.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

HttpError stopping() {
  return {503, "the server ends (send the request again later)", "stopping"};
}

struct Waiting {
  CaptionJob job;
  CaptionEvents events;
  Clock::time_point since = Clock::now();
  std::stop_source stop = {};
};
using Place = std::shared_ptr<Waiting>;

/// Jobs of clients, which take turns.
class FairQueue {
 public:
  size_t size() const { return size_; }

  void push(Place place) {
    auto& jobs = clients_[place->job.client];
    if (jobs.empty()) turns_.push_back(place->job.client);
    jobs.push_back(std::move(place));
    ++size_;
  }
  Place pop() {
    const auto client = turns_.front();
    turns_.pop_front();
    auto& jobs = clients_[client];
    auto place = std::move(jobs.front());
    jobs.pop_front();
    --size_;
    if (jobs.empty()) {
      clients_.erase(client);
    } else {
      turns_.push_back(client);
    }
    return place;
  }

 private:
  std::map<std::string, std::deque<Place>> clients_;
  std::deque<std::string> turns_;
  size_t size_ = 0;
};

class QueuedCaptions : public Captions {
 public:
  QueuedCaptions(Captioner captioner, ModelFacts facts, int64_t queued)
      : captioner_(std::move(captioner)), facts_(std::move(facts)), most_(static_cast<size_t>(queued)) {
    worker_ = std::thread([this] { work(); });
  }
  ~QueuedCaptions() override {
    drain({});
    worker_.join();
  }

  Cancel submit(CaptionJob job, CaptionEvents events) override {
    if (!job.past.empty()) throw HttpError(422, "messages: expected one question, got several turns");
    job.generation.validate();
    auto place = std::make_shared<Waiting>(Waiting{std::move(job), std::move(events)});
    const std::lock_guard lock(mutex_);
    if (stopping_) throw stopping();
    if (queue_.size() >= most_) {
      HttpError error(429, fmt::format("{} requests wait already (try again later)", queue_.size()),
                      "queue_full");
      error.headers().push_back({"Retry-After", "1"});
      throw error;
    }
    queue_.push(place);
    changed_.notify_all();
    return [place] { place->stop.request_stop(); };
  }

  const ModelFacts& facts() const override { return facts_; }
  CaptionCounts counts() const override {
    const std::lock_guard lock(mutex_);
    return {static_cast<int64_t>(queue_.size()), running_ ? 1 : 0};
  }

  void drain(std::chrono::milliseconds limit) override {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, limit, [this] { return queue_.size() == 0 && !running_; });
    given_up_ = true;
    if (running_) running_->stop.request_stop();
    changed_.notify_all();
  }

 private:
  void work() {
    while (const auto place = next()) {
      run(*place);
      const std::lock_guard lock(mutex_);
      running_.reset();
      changed_.notify_all();
    }
  }

  Place next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.size() > 0 || stopping_; });
    if (queue_.size() == 0) return nullptr;
    running_ = queue_.pop();
    return running_;
  }

  void run(const Waiting& waiting) {
    const auto start = Clock::now();
    try {
      if (given_up_) throw stopping();
      if (start > waiting.job.deadline) throw HttpError(504, "the deadline passed in the queue", "timeout");
      auto result = caption(waiting);
      result.queue_seconds = seconds_between(waiting.since, start);
      result.seconds = seconds_between(start, Clock::now());
      waiting.events.on_done(std::move(result));
    } catch (...) {
      waiting.events.on_error(std::current_exception());
    }
  }

  FinishedCaption caption(const Waiting& waiting) const {
    const auto& job = waiting.job;
    CaptionOptions options{.generation = job.generation,
                           .question = job.question,
                           .stop = waiting.stop.get_token(),
                           .locate = job.locate,
                           .words = job.words};
    if (captioner_.decoding(job.generation).beams == 1) {
      options.on_token = [&](const TokenEvent& event) {
        if (Clock::now() > job.deadline)
          throw HttpError(504, "the deadline passed before the caption was complete", "timeout");
        waiting.events.on_token(event);
        return true;
      };
    }
    const auto before = captioner_.timings().prompt_tokens;
    auto result = captioner_.caption(job.pair->before.view(), job.pair->after.view(), options);
    return {.caption = std::move(result), .prompt_tokens = captioner_.timings().prompt_tokens - before};
  }

  Captioner captioner_;
  ModelFacts facts_;
  size_t most_;
  mutable std::mutex mutex_;  ///< of all members below but the thread
  std::condition_variable changed_;
  FairQueue queue_;
  Place running_;
  bool stopping_ = false;
  std::atomic<bool> given_up_ = false;
  std::thread worker_;
};

}  // namespace

std::unique_ptr<Captions> queued_captions(Captioner captioner, ModelFacts facts, int64_t queued) {
  return std::make_unique<QueuedCaptions>(std::move(captioner), std::move(facts), queued);
}

}  // namespace ccexpert::serve
