#include "generate/growing_sequence.h"
#include "generate/search.h"
#include "generate/token_choice.h"

namespace ccexpert::generate {
namespace {

class Sampler {
 public:
  Sampler(SequenceModel& model, const SearchRequest& request) : model_(model), request_(request) {
    const auto sequences = static_cast<size_t>(model.logits().size(0));
    for (size_t i = 0; i < sequences; ++i) {
      const bool own = request.decoding.temperature > 0.0 && !request.seeds.empty();
      sequences_.emplace_back(
          request.decoding,
          own ? request.seeds.at(i) : SampleSeed(static_cast<uint64_t>(request.decoding.seed)));
      active_.push_back(i);
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
    std::vector<GeneratedSequence> results;
    for (auto& sequence : sequences_) results.push_back(std::move(sequence.result()));
    return results;
  }

 private:
  bool cancelled() {
    if (request_.between) request_.between();
    if (!request_.stop.stop_requested()) return false;
    for (const size_t sequence : active_) sequences_[sequence].cancel();
    return true;
  }

  std::vector<TokenChoice> choose() {
    std::vector<GrowingSequence*> sequences;
    for (const size_t sequence : active_) sequences.push_back(&sequences_[sequence]);
    auto choices = choose_tokens(model_.logits(), sequences);
    for (const auto& choice : choices) expect_number(choice.logprob);
    return choices;
  }

  /// Adds a token to its sequence; returns true if that ends the sequence.
  bool accept(size_t sequence, const TokenChoice& choice) {
    const bool wanted = !request_.on_token || request_.on_token(sequence, choice.id, choice.logprob);
    return sequences_[sequence].add(choice, wanted);
  }

  SequenceModel& model_;
  const SearchRequest& request_;
  std::vector<GrowingSequence> sequences_;
  std::vector<size_t> active_;  // sequence of each row of the model
};

}  // namespace

std::vector<GeneratedSequence> sample(SequenceModel& model, const SearchRequest& request) {
  return Sampler(model, request).run();
}

}  // namespace ccexpert::generate
