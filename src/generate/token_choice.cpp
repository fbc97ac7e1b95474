#include "generate/token_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>

#include "runtime/staging.h"

namespace ccexpert::generate {
namespace {

void penalize_repetition(const at::Tensor& row, const std::vector<int64_t>& history, double penalty) {
  const auto seen = runtime::staged(std::get<0>(at::_unique(at::tensor(history, at::kLong))), row.device());
  const auto values = row.index_select(0, seen);
  row.index_copy_(0, seen, at::where(values > 0, values / penalty, values * penalty));
}

bool is_too_short(const std::vector<int64_t>& history, const DecodingConfig& decoding) {
  return std::ssize(history) < decoding.min_new_tokens;
}

/// Returns how many of the descending probabilities together reach `top_p`, at least one.
size_t nucleus_size(const float* probabilities, size_t count, double top_p) {
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) {
    sum += static_cast<double>(probabilities[i]);
    if (sum >= top_p) return i + 1;
  }
  return count;
}

}  // namespace

at::Tensor penalize(const at::Tensor& scores, const std::vector<std::vector<int64_t>>& history,
                    const DecodingConfig& decoding) {
  const bool too_short = !history.empty() && is_too_short(history[0], decoding);
  if (decoding.repetition_penalty == 1.0 && !too_short) return scores.to(at::kFloat);
  auto changed = scores.to(at::kFloat, false, true);
  for (size_t row = 0; row < history.size(); ++row) {
    const auto values = changed[static_cast<int64_t>(row)];
    if (decoding.repetition_penalty != 1.0 && !history[row].empty()) {
      penalize_repetition(values, history[row], decoding.repetition_penalty);
    }
    if (too_short) {
      values.index_fill_(0, runtime::staged(at::tensor(decoding.stop_ids, at::kLong), values.device()),
                         -std::numeric_limits<float>::infinity());
    }
  }
  return changed;
}

bool changes_scores(const std::vector<int64_t>& history, const DecodingConfig& decoding) {
  return (decoding.repetition_penalty != 1.0 && !history.empty()) || is_too_short(history, decoding);
}

void expect_number(double logprob) {
  if (std::isnan(logprob)) {
    fail_expected({"logits", "numbers", "nan",
                   "the weights are damaged, or float16 overflows: use bfloat16 or float32"});
  }
}

void expect_numbers(const at::Tensor& logprobs) {
  if (at::isnan(logprobs).any().item<bool>()) expect_number(std::numeric_limits<double>::quiet_NaN());
}

SampledTokens sampled_tokens(const at::Tensor& logits, const DecodingConfig& decoding) {
  const int64_t vocabulary = logits.size(0);
  const int64_t kept = decoding.top_k > 0 ? std::min(decoding.top_k, vocabulary) : vocabulary;
  const auto [values, ids] = at::topk(logits.to(at::kCPU, at::kFloat), kept);  // descending
  const auto probabilities = at::softmax(values / decoding.temperature, 0);
  const auto* probability = probabilities.const_data_ptr<float>();
  const auto* id = ids.const_data_ptr<int64_t>();
  const size_t count = nucleus_size(probability, static_cast<size_t>(kept), decoding.top_p);
  return {{id, id + count}, {probability, probability + count}};
}

int64_t draw_token(const SampledTokens& tokens, std::mt19937_64& generator) {
  const auto& probability = tokens.probabilities;
  const double total = std::accumulate(probability.begin(), probability.end(), 0.0);
  // 53 random bits computed here: std::uniform_real_distribution differs between standard libraries.
  double left = static_cast<double>(generator() >> 11) * 0x1.0p-53 * total;
  size_t chosen = 0;
  while (chosen + 1 < probability.size() && left >= probability[chosen]) left -= probability[chosen++];
  return tokens.ids[chosen];
}

}  // namespace ccexpert::generate
