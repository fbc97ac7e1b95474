// Requests about one pair, and the memory that pairs keep.
#include <algorithm>

#include <gtest/gtest.h>

#include "generate/prepared_pair.h"
#include "generate/service_fixture.h"

namespace ccexpert::generate {
namespace {

using test::Outcome;

TEST_F(CaptionServiceTest, FurtherTurnsAboutAPairEncodeItOnce) {
  start({}, {.device = "cpu", .feature_cache = 0});
  const Outcome first, second, third;
  ask(first, request(0));
  const auto answer = first.caption().text;
  auto asked = request(0);
  asked.past = {{service_->captioner().question(), "a house"}};
  asked.question = "Did a road change?";
  ask(second, asked);
  second.wait();
  const auto timings = service_->captioner().timings();
  EXPECT_EQ(timings.encoded_images, 2);
  EXPECT_GT(timings.reused_tokens, 72) << "those of both images";
  start({.pair_cache = 0}, {.device = "cpu", .feature_cache = 0});
  asked.pair = request(0).pair;
  ask(third, asked);
  expect_equal(second.caption(), third.caption());
  EXPECT_EQ(service_->captioner().timings().reused_tokens, 0);
  EXPECT_EQ(service_->counters().pair_bytes, 0);
}

TEST_F(CaptionServiceTest, APlaceIsThatOfLocateAndNeedsNoPrompt) {
  start({}, {.device = "cpu", .feature_cache = 0});
  const Outcome place, caption;
  auto asked = request(0, {.max_new_tokens = 12, .beams = 4});
  asked.place_only = true;
  ask(place, asked);
  const auto found = place.caption();
  const ImagePair pair{pairs_[0].before, pairs_[0].after};
  const auto expected = test::tiny_captioner().locate(std::span(&pair, 1)).front();
  ASSERT_TRUE(found.change);
  EXPECT_NEAR(found.change->score, expected.score, 1e-5);
  EXPECT_EQ(found.change->map.values.size(), expected.map.values.size());
  EXPECT_EQ(found.text, "");
  EXPECT_EQ(found.token_ids.size() + place.ids().size(), 0);
  EXPECT_EQ(found.prompt_tokens, 0);
  EXPECT_EQ(service_->captioner().timings().prefill, 0.0);
  ask(caption, request(0));
  expect_equal(caption.caption(), alone(0));
  EXPECT_EQ(service_->captioner().timings().encoded_images, 2);
}

TEST_F(CaptionServiceTest, PlacesMayShareAPairThatIsNotKept) {
  start({.pair_cache = 0});
  const Outcome held, first, second, caption;
  const test::Door door;
  hold(held, door);
  auto place = request(1);
  place.place_only = true;
  ask(first, place);
  ask(second, place);
  ask(caption, request(1));
  door.open();
  EXPECT_EQ(first.caption().change.value().score, second.caption().change.value().score);
  expect_equal(caption.caption(), alone(1));
}

TEST_F(CaptionServiceTest, PlacesBeyondTheMemoryOfTheirGroupAreAnswered) {
  const auto places = [&] {
    const Outcome held;
    std::vector<Outcome> outcomes(3);
    const test::Door door;
    hold(held, door);
    for (size_t i = 0; i < outcomes.size(); ++i) {
      auto place = request(i + 1);
      place.place_only = true;
      ask(outcomes[i], std::move(place));
    }
    door.open();
    std::vector<double> scores;
    for (const auto& outcome : outcomes) scores.push_back(outcome.caption().change.value().score);
    return scores;
  };
  start();
  const auto expected = places();
  // Place for the held request and two others: the first place that is computed anew takes that of another.
  start({.pair_cache = request(0).pair->bytes() + request(1).pair->bytes() * 5 / 2});
  EXPECT_EQ(places(), expected);
  EXPECT_EQ(places(), expected);
}

TEST_F(CaptionServiceTest, EqualPairsShareAHandle) {
  start();
  const auto first = request(0).pair;
  EXPECT_EQ(request(0).pair, first);
  EXPECT_NE(request(1).pair, first);
}

/// Memory that a pair keeps, counted here.
int64_t kept_bytes(const PairHandle& pair) {
  if (!pair->images) return 0;
  int64_t bytes = 0;
  const auto& images = *pair->images;
  const auto& seen = pair->kept.images;
  for (const auto& tensor : {pair->pixels, images.images.tokens, images.images.change,
                             images.images.scale_weights, images.features, seen.tokens, seen.patches})
    bytes += tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
  for (int64_t layer = 0; layer < pair->kept.cache.value().layers(); ++layer) {
    const auto held = pair->kept.cache->held(layer);
    bytes += static_cast<int64_t>(held.keys.nbytes() + held.values.nbytes());
  }
  return bytes;
}

TEST_F(CaptionServiceTest, PairsBeyondTheMemoryAreForgotten) {
  start();
  const auto answered = [&](size_t index) {
    const Outcome outcome;
    auto asked = request(index);
    const auto pair = asked.pair;
    ask(outcome, std::move(asked));
    expect_equal(outcome.caption(), alone(index));
    return pair;
  };
  const auto one = kept_bytes(answered(0));
  EXPECT_EQ(service_->counters().pair_bytes, one) << "pixels are kept too";
  start({.pair_cache = 2 * one + one / 2});
  std::vector<PairHandle> pairs;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    pairs.push_back(answered(i));
    int64_t kept = 0;
    for (const auto& pair : pairs) kept += kept_bytes(pair);
    EXPECT_EQ(service_->counters().pair_bytes, kept);
    EXPECT_EQ(kept, std::min<int64_t>(std::ssize(pairs), 2) * one) << "the last two";
  }
  EXPECT_FALSE(pairs[0]->images || pairs[0]->kept.cache);
  EXPECT_TRUE(pairs.back()->images);
  EXPECT_EQ(answered(0), pairs[0]);
}

}  // namespace
}  // namespace ccexpert::generate
