/// Captions for many clients by one model.
///
///     CaptionService service(Captioner::load(folder), {.rows = 8});
///     const auto pair = service.prepare(before.view(), after.view());
///     auto ticket = service.submit({.pair = pair, .client = "a"}, {.on_done = done, .on_error = failed});
///
/// Requests wait in a bounded queue. One worker thread decodes up to `rows` of them as one batch, which they
/// join and leave between two tokens (continuous batching; Yu et al., 2022), and one search with beams or
/// samples at a time: its steps and those of the rows take turns. A caption does not depend on the others.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "generate/shared/service_limits.h"

namespace ccexpert::generate {

/// Reason of a request's failure.
enum class ServiceFailure {
  kRequest,   ///< the request itself, or its computation: see the error's kind
  kFull,      ///< no place in the queue
  kStopping,  ///< the service ends
  kDeadline,  ///< the deadline has passed
};

class ServiceError : public Error {
 public:
  ServiceError(std::string_view text, ErrorKind kind, ServiceFailure failure)
      : Error(text, kind), failure_(failure) {}
  ServiceFailure failure() const noexcept { return failure_; }

 private:
  ServiceFailure failure_;
};

/// Prepared pixels of a pair. Requests about one handle, at once or one after another, encode the pair once,
/// as long as the service's memory for pairs holds it.
class PreparedPair;
using PairHandle = std::shared_ptr<PreparedPair>;

using text::PastTurn;

struct CaptionRequest {
  PairHandle pair = {};
  std::vector<PastTurn> past = {};    ///< earlier turns about the pair, the oldest first
  std::string question = {};          ///< of this turn; empty: Captioner::question()
  GenerationOptions generation = {};  ///< searches (beams, minimum Bayes risk) wait for one another
  CaptionUtility utility = {};        ///< as in CaptionOptions, and so are the next four
  double keep_tokens = 1.0;
  bool change_feature = false;
  bool locate = false;
  bool words = false;
  /// True: only the place of the change is asked for, as by Captioner::locate. The caption has no text, and
  /// the request no prompt.
  bool place_only = false;
  /// Key of the client: those with waiting requests take turns, each in the order of its requests.
  std::string client = {};
  /// End of the client's patience, which is looked at between tokens; nothing: none.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

/// Caption and what it took.
struct ServedCaption : Caption {
  int64_t prompt_tokens = 0;     ///< of the whole prompt, image tokens included
  double queue_seconds = 0.0;    ///< before its computation
  double compute_seconds = 0.0;  ///< of its computation
};

/// Results of a request. They are called on the worker's thread, without a lock, and must not wait: all
/// captions would. An exception of one cancels the request. After the request is accepted, exactly one of
/// `on_done` and `on_error` is called, last. They may call the service, but neither `drain` nor its
/// destructor.
struct CaptionEvents {
  /// Called for every token (`pair` is 0); returning false cancels the caption. Not called for beam search
  /// and minimum-Bayes-risk decoding.
  std::function<bool(const TokenEvent&)> on_token = {};
  std::function<void(const ServedCaption&)> on_done =
      {};  ///< `kCancelled`, with the text so far, after a cancellation
  std::function<void(const ServiceError&)> on_error = {};
};

class CaptionService {
  struct Job;
  class Inbox;

 public:
  /// Throws Error for limits out of range, and for a captioner of several ranks.
  explicit CaptionService(Captioner captioner, const ServiceLimits& limits = {});
  CaptionService(const CaptionService&) = delete;
  CaptionService& operator=(const CaptionService&) = delete;
  /// Ends requests that are left with kStopping, after the token or the prefill that is being computed.
  ~CaptionService();

  /// Accepted request. It may outlive the service.
  class Ticket {
   public:
    Ticket() = default;
    /// Ends the request as cancelled, before its next token, if it has not ended. The caller does not wait.
    void cancel() const;

   private:
    friend class CaptionService;
    Ticket(std::shared_ptr<Inbox> inbox, std::shared_ptr<Job> job)
        : inbox_(std::move(inbox)), job_(std::move(job)) {}
    std::shared_ptr<Inbox> inbox_;
    std::shared_ptr<Job> job_;
  };

  // The members below are thread-safe.

  /// Resizes and normalises the images on the caller's thread. Equal pairs share one handle while the service
  /// or a caller holds it. Throws Error for images without pixels.
  PairHandle prepare(const image::ImageView& before, const image::ImageView& after) const;

  /// Throws ServiceError if `submit` would now refuse each request of a client: it need not be prepared.
  void expect_place(const std::string& client) const;

  /// Puts a request into the queue. Throws Error for a request that is not valid, and ServiceError if the
  /// queue is full or the service ends.
  Ticket submit(CaptionRequest request, CaptionEvents events);

  /// Refuses further requests, and waits for those accepted; after `limit`, ends those that are left with
  /// kStopping. Returns true if none was left.
  bool drain(std::chrono::milliseconds limit);

  ServiceCounters counters() const;
  const Captioner& captioner() const;
  const ServiceLimits& limits() const;

 private:
  class Batch;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::generate
