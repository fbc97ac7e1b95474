// Model that says what the test wants.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/captions.h"
#include "serve/replies.h"

namespace ccexpert::serve::test {

using namespace std::chrono_literals;

/// It says "a road ." for every pair, or fails or waits as told.
class FakeCaptions : public Captions {
 public:
  ~FakeCaptions() override {
    for (auto& each : threads_) each.join();
  }

  Cancel submit(CaptionJob job, generate::CaptionEvents events) override {
    expect_place(job.request.client);
    const std::lock_guard lock(mutex_);
    if (drops_pairs) job.pair.reset();
    jobs_.push_back(std::move(job));
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    threads_.emplace_back([this, request = jobs_.back().request, events = std::move(events), cancelled] {
      work(request, events, *cancelled);
    });
    return [this, cancelled] {
      *cancelled = true;
      ++cancellations;
    };
  }
  void expect_place(const std::string& /*client*/) const override {
    if (full) throw HttpError(429, "2 requests wait already (try again later)", "queue_full");
  }
  generate::DecodingConfig decoding(const generate::GenerationOptions& options) const override {
    auto decoding = generate::decoding_config(options, defaults);
    decoding.validate();
    return decoding;
  }
  const ModelFacts& facts() const override { return facts_; }
  CaptionCounts counts() const override { return {3, 1}; }
  void drain(std::chrono::milliseconds /*limit*/) override {}

  size_t job_count() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  CaptionJob last_job() {
    const std::lock_guard lock(mutex_);
    return jobs_.back();
  }

  std::atomic<bool> full = false;
  std::atomic<bool> drops_pairs = false;  ///< as a model that has prepared them
  std::atomic<bool> waits = false;        ///< until it is cancelled or told otherwise
  std::atomic<bool> tells_tokens = true;  ///< false: as a search with beams
  std::atomic<int> cancellations = 0;
  generate::GenerationOptions defaults;  ///< of the checkpoint
  std::function<void()> fail = [] {};
  std::function<void()> fail_later = [] {};  ///< after the tokens

 private:
  void work(const generate::CaptionRequest& request, const generate::CaptionEvents& events,
            const std::atomic<bool>& cancelled) const {
    try {
      fail();
      int64_t id = 7;
      for (const char* text : {" a", " road", " ."}) {
        if (tells_tokens && !request.place_only)
          events.on_token({.token_id = id++, .logprob = -0.5, .text = text});
        while (waits && !cancelled) std::this_thread::sleep_for(5ms);
      }
      fail_later();
      auto caption = request.place_only ? generate::ServedCaption() : road();
      caption.finish = cancelled ? FinishReason::kCancelled : FinishReason::kEndToken;
      if (request.locate || request.place_only) {
        caption.change =
            LocatedChange{.map = {.grid = 2, .values = {0.0F, 0.25F, 0.5F, 1.0F}}, .raw = 0.5, .score = 0.75};
      }
      if (request.words) {
        caption.words = {{"a", {.grid = 2, .values = {1.0F, 0.0F, 0.0F, 0.0F}}},
                         {"road", {.grid = 2, .values = {0.0F, 1.0F, 0.0F, 0.0F}}}};
      }
      events.on_done(caption);
    } catch (const generate::ServiceError& error) {
      events.on_error(error);
    } catch (const Error& error) {
      events.on_error({error.what(), error.kind(), generate::ServiceFailure::kRequest});
    }
  }

  static generate::ServedCaption road() {
    generate::ServedCaption caption;
    caption.text = "a road .";
    caption.token_ids = {7, 8, 9};
    caption.logprob = -1.5;
    caption.prompt_tokens = 40;
    caption.queue_seconds = 0.25;
    caption.compute_seconds = 0.5;
    return caption;
  }

  std::mutex mutex_;
  std::vector<CaptionJob> jobs_;
  std::vector<std::thread> threads_;
  ModelFacts facts_{.name = "fake", .description = "d", .engine = "e", .question = "q", .created = 5};
};

}  // namespace ccexpert::serve::test
