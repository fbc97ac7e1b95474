/// Limits and numbers of a CaptionService.
#pragma once

#include <cstdint>
#include <tuple>

#include <ccexpert/core/fields.h>

namespace ccexpert::generate {

struct ServiceLimits {
  int64_t rows = 8;     ///< sequences that are decoded at once
  int64_t joining = 4;  ///< new requests that are prepared together between two tokens
  int64_t queued = 64;  ///< requests that wait
  /// Waiting requests of one client; 0: no limit of its own.
  int64_t queued_of_client = 0;
  int64_t tokens = 8192;  ///< tokens of a prompt, image tokens included, and its caption
  /// Memory in bytes for the pairs that were asked about last: their pixels and features, and keys and values
  /// of their last prompts, for the next question. 0: none are kept.
  int64_t pair_cache = int64_t{512} << 20;

  static constexpr auto fields() {
    using Self = ServiceLimits;
    return std::tuple{
        field("rows", &Self::rows, "captions that are decoded at once", in_range(1, 1024)),
        field("joining", &Self::joining, "new requests that are prepared together between two tokens",
              in_range(1, 1024)),
        field("queued", &Self::queued, "requests that may wait", in_range(1, 1'000'000)),
        field("queued_of_client", &Self::queued_of_client,
              "requests of one client that may wait (0: no limit of its own)", in_range(0, 1'000'000)),
        field("tokens", &Self::tokens, "most tokens of a prompt, image tokens included, and its caption",
              in_range(1, int64_t{1} << 20)),
        field("pair_cache", &Self::pair_cache,
              "memory in bytes for pairs that were asked about before (0: none)", at_least(0))};
  }
};

/// Numbers of a service. Rows per step are `step_rows` / `steps`.
struct ServiceCounters {
  int64_t queued = 0;
  int64_t running = 0;
  int64_t accepted = 0;
  int64_t refused = 0;
  int64_t done = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;
  int64_t failed = 0;
  int64_t steps = 0;
  int64_t step_rows = 0;
  int64_t tokens = 0;
  int64_t pair_bytes = 0;

  static constexpr auto fields() {
    using Self = ServiceCounters;
    return std::tuple{field("queued", &Self::queued, "requests that wait now"),
                      field("running", &Self::running, "requests that are computed now"),
                      field("accepted", &Self::accepted, "requests accepted"),
                      field("refused", &Self::refused, "requests refused by a full or ending queue"),
                      field("done", &Self::done, "captions finished"),
                      field("cancelled", &Self::cancelled, "requests cancelled"),
                      field("expired", &Self::expired, "requests whose deadline passed"),
                      field("failed", &Self::failed, "accepted requests that failed"),
                      field("steps", &Self::steps, "passes of the decoder for one token of each row"),
                      field("step_rows", &Self::step_rows, "rows of these passes"),
                      field("tokens", &Self::tokens, "tokens of captions, those of beam search not included"),
                      field("pair_bytes", &Self::pair_bytes, "memory of the pairs that are kept")};
  }
};

}  // namespace ccexpert::generate
