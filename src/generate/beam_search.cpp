#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "generate/search.h"
#include "generate/token_choice.h"

namespace ccexpert::generate {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// Growing sequence, and its row in the model.
struct Beam {
  std::vector<int64_t> ids;
  double logprob = 0.0;  // under the model
  double score = 0.0;    // sum of penalized log-probabilities; the search maximises it
  int64_t row = 0;
};

/// Possible next token of a beam.
struct Candidate {
  size_t beam;
  int64_t id;
  double logprob;
  double score;
};

/// Beams of one prompt.
class PromptBeams {
 public:
  PromptBeams(const SearchRequest& request, int64_t row) : request_(request) {
    Beam first;
    first.row = row;
    beams_.push_back(first);
  }

  const std::vector<Beam>& beams() const { return beams_; }
  std::vector<Beam>& growing() { return beams_; }
  bool done() const { return beams_.empty(); }

  /// Takes the best candidates: ended sequences are finished, the next best `beams` continue.
  void take(std::vector<Candidate> candidates) {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    std::vector<Beam> grown;
    size_t rank = 0;
    for (const auto& candidate : candidates) {
      if (grown.size() == width() || candidate.score == kNever) break;
      Beam next = beams_[candidate.beam];
      next.ids.push_back(candidate.id);
      next.logprob += candidate.logprob;
      next.score = candidate.score;
      // A finished sequence below the best `beams` candidates loses to sequences that are still growing.
      if (!request_.decoding.is_stop(candidate.id)) {
        grown.push_back(std::move(next));
      } else if (rank < width()) {
        finish(next, FinishReason::kEndToken);
      }
      ++rank;
    }
    beams_ = std::move(grown);
    close_where_decided();
  }

  /// Ends an unfinished search with the best sequence so far, complete or not.
  void cancel() {
    if (done()) return;
    cut(FinishReason::kCancelled);
    cancelled_ = true;
  }

  GeneratedSequence best() const {
    auto sequence = finished_.empty() ? GeneratedSequence{} : finished_.front().sequence;
    if (cancelled_) sequence.finish = FinishReason::kCancelled;
    return sequence;
  }

 private:
  struct Finished {
    GeneratedSequence sequence;
    double score;
  };

  size_t width() const { return static_cast<size_t>(request_.decoding.beams); }

  double normalized(double score, size_t length) const {
    return score / std::pow(static_cast<double>(length), request_.decoding.length_penalty);
  }

  void finish(const Beam& beam, FinishReason reason) {
    if (beam.ids.empty()) return;
    finished_.push_back({{beam.ids, beam.logprob, reason}, normalized(beam.score, beam.ids.size())});
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const Finished& a, const Finished& b) { return a.score > b.score; });
    if (finished_.size() > width()) finished_.resize(width());
  }

  /// Makes results of all current beams.
  void cut(FinishReason reason) {
    for (const auto& beam : beams_) finish(beam, reason);
    beams_.clear();
  }

  void close_where_decided() {
    if (beams_.empty()) return;
    const size_t length = beams_.front().ids.size();
    if (static_cast<int64_t>(length) >= request_.decoding.max_new_tokens) {
      cut(FinishReason::kLength);
    } else if (finished_.size() == width() && best_possible() <= finished_.back().score) {
      beams_.clear();
    }
  }

  /// Scores only decrease as sequences grow; a positive length penalty therefore favours the longest possible
  /// sequence.
  double best_possible() const {
    const auto longest = static_cast<size_t>(request_.decoding.max_new_tokens);
    const size_t length = request_.decoding.length_penalty > 0.0 ? longest : beams_.front().ids.size() + 1;
    return normalized(beams_.front().score, length);
  }

  const SearchRequest& request_;
  std::vector<Beam> beams_;         // best first
  std::vector<Finished> finished_;  // best first, at most `beams`
  bool cancelled_ = false;
};

/// Best tokens of every row, on the CPU.
struct RowCandidates {
  at::Tensor ids;       // [R,C] int64
  at::Tensor scores;    // [R,C] float, penalized log-probabilities
  at::Tensor logprobs;  // [R,C] float
};

RowCandidates best_tokens(const at::Tensor& logits, const std::vector<std::vector<int64_t>>& history,
                          const SearchRequest& request) {
  const auto logprobs = at::log_softmax(logits, -1, at::kFloat);
  // Penalties change log-probabilities here, not logits, as in transformers' beam search.
  const auto scores = penalize(logprobs, history, request.decoding);
  // Enough candidates to keep `beams` after each stop token has taken a place.
  const int64_t count = std::min<int64_t>(
      scores.size(1), request.decoding.beams + static_cast<int64_t>(request.decoding.stop_ids.size()));
  const auto [top_scores, ids] = at::topk(scores, count);
  RowCandidates best{ids.to(at::kCPU), top_scores.to(at::kCPU), logprobs.gather(1, ids).to(at::kCPU)};
  expect_numbers(best.logprobs);
  return best;
}

class BeamSearch {
 public:
  BeamSearch(SequenceModel& model, const SearchRequest& request) : model_(model), request_(request) {
    for (int64_t row = 0; row < model.logits().size(0); ++row) prompts_.emplace_back(request, row);
  }

  std::vector<GeneratedSequence> run() {
    while (std::any_of(prompts_.begin(), prompts_.end(), [](const auto& prompt) { return !prompt.done(); })) {
      if (request_.between) request_.between();
      if (request_.stop.stop_requested()) {
        for (auto& prompt : prompts_) prompt.cancel();
        break;
      }
      step();
    }
    std::vector<GeneratedSequence> results;
    for (const auto& prompt : prompts_) results.push_back(prompt.best());
    return results;
  }

 private:
  void step() {
    std::vector<std::vector<int64_t>> history(static_cast<size_t>(model_.logits().size(0)));
    for (const auto& prompt : prompts_) {
      for (const auto& beam : prompt.beams()) history[static_cast<size_t>(beam.row)] = beam.ids;
    }
    const auto best = best_tokens(model_.logits(), history, request_);
    std::vector<int64_t> rows, ids;
    for (auto& prompt : prompts_) {
      prompt.take(candidates(prompt.beams(), best));
      place(prompt, rows, ids);
    }
    if (!rows.empty()) model_.grow(rows, ids);
  }

  static std::vector<Candidate> candidates(const std::vector<Beam>& beams, const RowCandidates& best) {
    std::vector<Candidate> all;
    const auto ids = best.ids.accessor<int64_t, 2>();
    const auto scores = best.scores.accessor<float, 2>();
    const auto logprobs = best.logprobs.accessor<float, 2>();
    for (size_t beam = 0; beam < beams.size(); ++beam) {
      const int64_t row = beams[beam].row;
      for (int64_t rank = 0; rank < best.ids.size(1); ++rank) {
        all.push_back({beam, ids[row][rank], static_cast<double>(logprobs[row][rank]),
                       beams[beam].score + static_cast<double>(scores[row][rank])});
      }
    }
    return all;
  }

  /// Appends the rows that the grown beams continue, and assigns each beam its new row.
  static void place(PromptBeams& prompt, std::vector<int64_t>& rows, std::vector<int64_t>& ids) {
    for (auto& beam : prompt.growing()) {
      rows.push_back(beam.row);
      ids.push_back(beam.ids.back());
      beam.row = static_cast<int64_t>(rows.size()) - 1;
    }
  }

  SequenceModel& model_;
  const SearchRequest& request_;
  std::vector<PromptBeams> prompts_;
};

}  // namespace

std::vector<GeneratedSequence> beam_search(SequenceModel& model, const SearchRequest& request) {
  return BeamSearch(model, request).run();
}

}  // namespace ccexpert::generate
