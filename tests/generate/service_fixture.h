// Service of the small model, for tests of requests.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "generate/service_requests.h"
#include "generate/shared/caption_service.h"

namespace ccexpert::generate {

/// A service of the small model. Requests about a pair have its index.
class CaptionServiceTest : public ::testing::Test {
 protected:
  CaptionService& start(const ServiceLimits& limits = {}, const CaptionerConfig& config = {.device = "cpu"}) {
    service_ = std::make_unique<CaptionService>(Captioner::load(test::tiny_folder(), config), limits);
    return *service_;
  }
  CaptionRequest request(size_t pair, GenerationOptions generation = {.max_new_tokens = 12}) const {
    return {.pair = service_->prepare(pairs_[pair].before, pairs_[pair].after),
            .generation = std::move(generation)};
  }
  CaptionService::Ticket ask(const test::Outcome& outcome, CaptionRequest request,
                             std::function<bool(const TokenEvent&)> on_token = {}) const {
    return service_->submit(std::move(request), outcome.events(std::move(on_token)));
  }
  /// Starts a long caption that holds the worker at its first token.
  CaptionService::Ticket hold(const test::Outcome& outcome, const test::Door& door) const {
    auto ticket = ask(outcome, request(0, kLong), [enter = door.entry()](const TokenEvent&) {
      enter();
      return true;
    });
    door.wait_for_guest();
    return ticket;
  }
  Caption alone(size_t pair, const CaptionOptions& options = {.generation = {.max_new_tokens = 12}}) const {
    return test::tiny_captioner().caption(pairs_[pair].before, pairs_[pair].after, options);
  }

  inline static const GenerationOptions kLong{.max_new_tokens = 40, .stop_ids = {1}};
  const test::PaintedPairs pairs_{6};
  std::unique_ptr<CaptionService> service_;
};

inline void expect_equal(const Caption& found, const Caption& expected, double tolerance = 1e-4) {
  EXPECT_EQ(found.token_ids, expected.token_ids);
  EXPECT_EQ(found.text, expected.text);
  EXPECT_NEAR(found.logprob, expected.logprob, tolerance);
  EXPECT_EQ(found.finish, expected.finish);
}

}  // namespace ccexpert::generate
