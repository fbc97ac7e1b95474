// Language model as a table: the next token depends on the last two.
#pragma once

#include <algorithm>
#include <vector>

#include <ATen/ATen.h>

#include "generate/search.h"

namespace ccexpert::test {

class ToyModel : public generate::SequenceModel {
 public:
  struct State {
    int64_t before_last = 0;
    int64_t last = 0;
  };

  /// `table` [V,V,V]: logits after (before_last, last). One sequence starts at each of `starts`.
  ToyModel(at::Tensor table, std::vector<State> starts)
      : table_(std::move(table)), states_(std::move(starts)) {}

  at::Tensor logits() const override {
    std::vector<at::Tensor> rows;
    for (const auto& state : states_) rows.push_back(table_[state.before_last][state.last]);
    return at::stack(rows);
  }

  void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override {
    std::vector<State> grown;
    for (size_t i = 0; i < rows.size(); ++i) {
      grown.push_back({states_.at(static_cast<size_t>(rows[i])).last, ids.at(i)});
    }
    states_ = std::move(grown);
    widest_ = std::max(widest_, states_.size());
    ++steps_;
  }

  /// Returns the calls of grow so far, and the most sequences that one of them left.
  size_t steps() const { return steps_; }
  size_t widest() const { return widest_; }

 private:
  at::Tensor table_;
  std::vector<State> states_;
  size_t steps_ = 0;
  size_t widest_ = 0;
};

/// Returns random logits [V,V,V], the same for the same seed.
inline at::Tensor random_table(int64_t vocabulary, uint64_t seed, double spread = 2.0) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::empty({vocabulary, vocabulary, vocabulary}, at::kFloat).normal_(0.0, spread, generator);
}

/// Returns a table with one row of logits for each last token, independent of earlier tokens.
inline at::Tensor chain_table(const std::vector<std::vector<float>>& rows) {
  std::vector<at::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(at::tensor(row));
  const auto table = at::stack(tensors);  // [V,V]
  return table.unsqueeze(0).expand({table.size(0), -1, -1}).contiguous();
}

/// Returns the sum of log-probabilities of `ids` under a table, from a start.
inline double logprob_of(const at::Tensor& table, ToyModel::State state, const std::vector<int64_t>& ids) {
  double sum = 0.0;
  for (const int64_t id : ids) {
    sum += at::log_softmax(table[state.before_last][state.last].to(at::kDouble), 0)[id].item<double>();
    state = {state.last, id};
  }
  return sum;
}

}  // namespace ccexpert::test
