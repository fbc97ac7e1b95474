#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/generate/options.h>

#include "generate/lengths.h"

namespace ccexpert::generate {

void GenerationOptions::validate() const {
  check_fields(*this, [](const std::string& key) { return key; });
  decoding_config(*this, {}).validate();
  if (do_sample && temperature == 0.0) {
    fail_expected({.what = "temperature", .expected = "above 0 with do_sample", .got = "0"});
  }
  if (mbr > 0 && temperature == 0.0)
    fail_expected({.what = "temperature", .expected = "above 0 with mbr, which samples", .got = "0"});
  if (mbr == 0 && mbr_metric != CaptionMetric::kCiderD)
    fail_expected({.what = "mbr_metric", .expected = "cider, as mbr is 0", .got = text_of(mbr_metric)});
}

void expect_lengths_fit(const DecodingConfig& decoding, std::string_view prefix) {
  if (decoding.min_new_tokens <= decoding.max_new_tokens) return;
  fail_expected({fmt::format("{}min_new_tokens", prefix),
                 fmt::format("0 to max_new_tokens ({})", decoding.max_new_tokens),
                 std::to_string(decoding.min_new_tokens)});
}

bool DecodingConfig::is_stop(int64_t id) const {
  return std::find(stop_ids.begin(), stop_ids.end(), id) != stop_ids.end();
}

void DecodingConfig::validate() const {
  expect_lengths_fit(*this);
  if (mbr == 1)
    fail_expected({.what = "mbr",
                   .expected = "0 or at least 2",
                   .got = "1",
                   .hint = "a single sample has no other to agree with"});
  if (beams > 1 && mbr > 0) {
    fail_expected({.what = "beams",
                   .expected = "1 with mbr",
                   .got = std::to_string(beams),
                   .hint = "minimum-Bayes-risk decoding samples"});
  }
  if (beams > 1 && temperature > 0.0) {
    fail_expected({.what = "beams",
                   .expected = "1 if temperature is above 0",
                   .got = std::to_string(beams),
                   .hint = "beam search does not sample"});
  }
  const bool sampling_is_shaped = top_p < 1.0 || top_k > 0;
  if (sampling_is_shaped && temperature == 0.0) {
    fail_expected({.what = "temperature",
                   .expected = "above 0 if top_p or top_k is set",
                   .got = "0",
                   .hint = "temperature 0 is greedy decoding"});
  }
}

DecodingConfig decoding_config(const GenerationOptions& asked, const GenerationOptions& checkpoint) {
  DecodingConfig decoding{.stop_ids = asked.stop_ids.empty() ? checkpoint.stop_ids : asked.stop_ids,
                          .seed = asked.seed,
                          .mbr = asked.mbr,
                          .mbr_metric = asked.mbr_metric};
  const auto lay = [&](auto& value, auto GenerationOptions::*member, bool checkpoint_counts = true) {
    if (checkpoint_counts && checkpoint.*member) value = *(checkpoint.*member);
    if (asked.*member) value = *(asked.*member);
  };
  lay(decoding.max_new_tokens, &GenerationOptions::max_new_tokens);
  lay(decoding.min_new_tokens, &GenerationOptions::min_new_tokens);
  // Who asks for few tokens knows nothing of the checkpoint's smallest number.
  if (!asked.min_new_tokens)
    decoding.min_new_tokens = std::min(decoding.min_new_tokens, decoding.max_new_tokens);
  lay(decoding.beams, &GenerationOptions::beams);
  lay(decoding.length_penalty, &GenerationOptions::length_penalty);
  lay(decoding.repetition_penalty, &GenerationOptions::repetition_penalty);
  if (asked.samples()) decoding.temperature = 1.0;
  lay(decoding.temperature, &GenerationOptions::temperature, asked.samples());
  lay(decoding.top_p, &GenerationOptions::top_p, asked.samples());
  lay(decoding.top_k, &GenerationOptions::top_k, asked.samples());
  return decoding;
}

std::string to_text(const DecodingConfig& decoding) {
  std::string text = "greedy";
  if (decoding.temperature > 0.0) {
    if (decoding.mbr > 0)
      text =
          fmt::format("minimum Bayes risk by {}, {} samples, ", text_of(decoding.mbr_metric), decoding.mbr);
    else
      text.clear();
    text += fmt::format("sampling (temperature {}, top_p {}, top_k {}, seed {})", decoding.temperature,
                        decoding.top_p, decoding.top_k, decoding.seed);
  } else if (decoding.beams > 1) {
    text = fmt::format("{} beams (length penalty {})", decoding.beams, decoding.length_penalty);
  }
  if (decoding.min_new_tokens > 0) text += fmt::format(", at least {} tokens", decoding.min_new_tokens);
  return text + fmt::format(", at most {} tokens, repetition penalty {}, ends at {}", decoding.max_new_tokens,
                            decoding.repetition_penalty, fmt::join(decoding.stop_ids, ", "));
}

}  // namespace ccexpert::generate
