#include <numeric>

#include <ATen/ATen.h>

#include "generate/search.h"
#include "generate/token_choice.h"

namespace ccexpert::generate {
namespace {

struct Choice {
  int64_t id;
  double logprob;
};

class Sampler {
 public:
  Sampler(SequenceModel& model, const SearchRequest& request)
      : model_(model), request_(request), results_(static_cast<size_t>(model.logits().size(0))) {
    active_.resize(results_.size());
    std::iota(active_.begin(), active_.end(), size_t{0});
    if (request.decoding.temperature == 0.0) return;
    for (size_t i = 0; i < results_.size(); ++i) {
      const auto seed = request.seeds.empty() ? SampleSeed(static_cast<uint64_t>(request.decoding.seed))
                                              : request.seeds.at(i);
      generators_.push_back(seed ? std::optional(std::mt19937_64(*seed)) : std::nullopt);
    }
  }

  std::vector<GeneratedSequence> run() {
    while (!active_.empty() && !cancelled()) {
      const auto choices = choose();
      std::vector<int64_t> rows, ids;
      std::vector<size_t> still_active;
      for (size_t row = 0; row < active_.size(); ++row) {
        if (accept(active_[row], choices[row])) continue;
        still_active.push_back(active_[row]);
        rows.push_back(static_cast<int64_t>(row));
        ids.push_back(choices[row].id);
      }
      active_ = std::move(still_active);
      if (!active_.empty()) model_.grow(rows, ids);
    }
    return std::move(results_);
  }

 private:
  bool cancelled() {
    if (!request_.stop.stop_requested()) return false;
    for (const size_t sequence : active_) results_[sequence].finish = FinishReason::kCancelled;
    return true;
  }

  std::vector<Choice> choose() {
    std::vector<std::vector<int64_t>> history;
    for (const size_t sequence : active_) history.push_back(results_[sequence].ids);
    const auto logits = model_.logits();
    const auto penalized = penalize(logits, history, request_.decoding);
    const auto ids = request_.decoding.temperature > 0.0 ? draw(penalized) : penalized.argmax(-1);  // [R]
    const auto logprobs = at::log_softmax(logits, -1, at::kFloat).gather(1, ids.unsqueeze(1)).squeeze(1);
    const auto ids_cpu = ids.to(at::kCPU);
    const auto logprobs_cpu = logprobs.to(at::kCPU);
    expect_numbers(logprobs_cpu);
    std::vector<Choice> choices;
    for (int64_t row = 0; row < ids_cpu.size(0); ++row) {
      choices.push_back({ids_cpu.const_data_ptr<int64_t>()[row],
                         static_cast<double>(logprobs_cpu.const_data_ptr<float>()[row])});
    }
    return choices;
  }

  at::Tensor draw(const at::Tensor& logits) {
    std::vector<int64_t> ids;
    for (size_t row = 0; row < active_.size(); ++row) {
      const auto scores = logits[static_cast<int64_t>(row)];
      auto& generator = generators_[active_[row]];
      ids.push_back(generator ? draw_token(sampled_tokens(scores, request_.decoding), *generator)
                              : scores.argmax().item<int64_t>());
    }
    return at::tensor(ids, at::kLong).to(logits.device());
  }

  /// Adds a token to its sequence; returns true if that ends the sequence.
  bool accept(size_t sequence, const Choice& choice) {
    auto& result = results_[sequence];
    result.ids.push_back(choice.id);
    result.logprob += choice.logprob;
    const bool wanted = !request_.on_token || request_.on_token(sequence, choice.id, choice.logprob);
    if (request_.decoding.is_stop(choice.id)) {
      result.finish = FinishReason::kEndToken;
      return true;
    }
    if (!wanted) {
      result.finish = FinishReason::kCancelled;
      return true;
    }
    return static_cast<int64_t>(result.ids.size()) >= request_.decoding.max_new_tokens;
  }

  SequenceModel& model_;
  const SearchRequest& request_;
  std::vector<GeneratedSequence> results_;
  std::vector<size_t> active_;                              // sequence of each row of the model
  std::vector<std::optional<std::mt19937_64>> generators_;  // of each sequence; nothing: greedy
};

}  // namespace

std::vector<GeneratedSequence> sample(SequenceModel& model, const SearchRequest& request) {
  return Sampler(model, request).run();
}

}  // namespace ccexpert::generate
