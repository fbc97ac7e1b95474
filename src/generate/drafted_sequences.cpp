#include "generate/drafted_sequences.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace ccexpert::generate {

DraftedSequences::DraftedSequences(DecoderSequences& sequences, const NgramDrafter& drafter, int64_t most)
    : sequences_(sequences), drafter_(drafter), most_(most), logits_(sequences.logits()) {
  for (const int64_t length : sequences.cache().lengths()) state_.push_back({.prompt = length});
}

void DraftedSequences::grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) {
  std::vector<Sequence> grown;
  for (size_t i = 0; i < rows.size(); ++i) {
    grown.push_back(state_.at(static_cast<size_t>(rows[i])));
    grown.back().tokens.push_back(ids.at(i));
  }
  state_ = std::move(grown);
  sequences_.select_rows(rows);
  if (all_drafted()) {
    take_drafted();
  } else {
    compute();
  }
  std::vector<at::Tensor> next;
  for (const auto& sequence : state_) next.push_back(sequence.logits[0]);
  logits_ = at::stack(next);  // [R,V]
}

bool DraftedSequences::all_drafted() const {
  return std::ranges::all_of(state_, [](const Sequence& sequence) {
    return !sequence.draft.empty() && sequence.draft.front() == sequence.tokens.back();
  });
}

void DraftedSequences::take_drafted() {
  for (auto& sequence : state_) {
    sequence.draft.erase(sequence.draft.begin());
    sequence.logits = sequence.logits.slice(0, 1);
    ++drafted_;
  }
}

void DraftedSequences::compute() {
  std::vector<int64_t> lengths;
  std::vector<std::vector<int64_t>> added;
  // A pass is saved only if the drafts of all sequences are right: rare for several, which cost more then.
  const int64_t most = state_.size() == 1 ? most_ : 0;
  for (auto& sequence : state_) {
    // The cache forgets the draft: the tokens that were right and the last one are at its end then.
    lengths.push_back(sequence.prompt + std::ssize(sequence.tokens) - 1);
    sequence.draft = drafter_.draft(sequence.tokens, most);
    added.push_back({sequence.tokens.back()});
    added.back().insert(added.back().end(), sequence.draft.begin(), sequence.draft.end());
  }
  sequences_.truncate(lengths);
  const auto logits = sequences_.extend(added);  // [R,T,V]
  for (size_t i = 0; i < state_.size(); ++i)
    state_[i].logits = logits[static_cast<int64_t>(i)].narrow(0, 0, std::ssize(added[i]));
}

}  // namespace ccexpert::generate
