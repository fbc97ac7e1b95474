#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/generate/options.h>

namespace ccexpert {
namespace {

constexpr int64_t kMostNewTokens = 100'000;

template <class Number>
void expect(bool holds, std::string_view what, std::string_view expected, Number got) {
  if (!holds) fail({what, expected, fmt::format("{}", got)});
}

}  // namespace

void GenerationOptions::validate() const {
  // The cache for them is laid out in advance: a slip of a few zeros should not end in exhausted memory.
  expect(max_new_tokens >= 1 && max_new_tokens <= kMostNewTokens, "max_new_tokens",
         fmt::format("1 to {}", kMostNewTokens), max_new_tokens);
  expect(min_new_tokens >= 0 && min_new_tokens <= max_new_tokens, "min_new_tokens",
         fmt::format("0 to max_new_tokens ({})", max_new_tokens), min_new_tokens);
  expect(beams >= 1 && beams <= 1024, "beams", "1 to 1024", beams);
  expect(length_penalty >= -10.0 && length_penalty <= 10.0, "length_penalty", "-10 to 10", length_penalty);
  expect(temperature >= 0.0 && temperature <= 1000.0, "temperature", "0 (greedy) to 1000", temperature);
  expect(top_p > 0.0 && top_p <= 1.0, "top_p", "above 0 and at most 1", top_p);
  expect(top_k >= 0, "top_k", "at least 0", top_k);
  expect(repetition_penalty > 0.0 && repetition_penalty <= 1000.0, "repetition_penalty",
         "above 0 and at most 1000", repetition_penalty);
  if (beams > 1 && temperature > 0.0) {
    fail({.what = "beams",
          .expected = "1 where temperature is above 0",
          .got = std::to_string(beams),
          .hint = "beam search does not sample"});
  }
  const bool sampling_is_shaped = top_p < 1.0 || top_k > 0;
  if (sampling_is_shaped && temperature == 0.0) {
    fail({.what = "temperature",
          .expected = "above 0 where top_p or top_k is set",
          .got = "0",
          .hint = "temperature 0 is greedy decoding"});
  }
}

}  // namespace ccexpert
