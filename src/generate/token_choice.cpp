#include "generate/token_choice.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

void penalize_repetition(const at::Tensor& row, const std::vector<int64_t>& history, double penalty) {
  const auto seen = std::get<0>(at::_unique(at::tensor(history, at::kLong))).to(row.device());
  const auto values = row.index_select(0, seen);
  row.index_copy_(0, seen, at::where(values > 0, values / penalty, values * penalty));
}

/// How many of the descending probabilities reach `top_p` together, at least one.
size_t nucleus_size(const float* probabilities, size_t count, double top_p) {
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) {
    sum += static_cast<double>(probabilities[i]);
    if (sum >= top_p) return i + 1;
  }
  return count;
}

}  // namespace

at::Tensor penalize(const at::Tensor& logits, const std::vector<std::vector<int64_t>>& history,
                    const std::vector<int64_t>& stop_ids, const GenerationOptions& options) {
  const bool too_short = !history.empty() && static_cast<int64_t>(history[0].size()) < options.min_new_tokens;
  if (options.repetition_penalty == 1.0 && !too_short) return logits.to(at::kFloat);
  auto changed = logits.to(at::kFloat, false, true);
  for (size_t row = 0; row < history.size(); ++row) {
    const auto values = changed[static_cast<int64_t>(row)];
    if (options.repetition_penalty != 1.0 && !history[row].empty()) {
      penalize_repetition(values, history[row], options.repetition_penalty);
    }
    if (too_short) {
      values.index_fill_(0, at::tensor(stop_ids, at::kLong).to(values.device()),
                         -std::numeric_limits<float>::infinity());
    }
  }
  return changed;
}

void expect_numbers(const at::Tensor& logprobs) {
  if (at::isnan(logprobs).any().item<bool>()) {
    fail({"logits", "numbers", "nan",
          "the weights are damaged, or float16 overflows: use bfloat16 or float32"});
  }
}

int64_t draw_token(const at::Tensor& logits, const GenerationOptions& options, std::mt19937_64& generator) {
  const int64_t vocabulary = logits.size(0);
  const int64_t kept = options.top_k > 0 ? std::min(options.top_k, vocabulary) : vocabulary;
  const auto [values, ids] = at::topk(logits.to(at::kCPU, at::kFloat), kept);  // descending
  const auto probabilities = at::softmax(values / options.temperature, 0);
  const auto* probability = probabilities.const_data_ptr<float>();
  const size_t count = nucleus_size(probability, static_cast<size_t>(kept), options.top_p);
  double total = 0.0;
  for (size_t i = 0; i < count; ++i) total += static_cast<double>(probability[i]);
  // 53 random bits by hand: std::uniform_real_distribution differs between standard libraries.
  double left = static_cast<double>(generator() >> 11) * 0x1.0p-53 * total;
  size_t chosen = 0;
  while (chosen + 1 < count && left >= static_cast<double>(probability[chosen])) {
    left -= static_cast<double>(probability[chosen++]);
  }
  return ids.const_data_ptr<int64_t>()[chosen];
}

}  // namespace ccexpert
