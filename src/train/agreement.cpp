#include "train/agreement.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::train {
namespace {

/// Returns the message of what `work` throws, or "".
std::string problem_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace

std::string first_rank_says(distributed::Communicator& communicator,
                            const std::function<std::string()>& work) {
  std::string answer;
  const auto problem = problem_of([&] { answer = communicator.rank() == 0 ? work() : std::string(); });
  const auto first = communicator.gather_text(problem.empty() ? "+" + answer : "-" + problem).front();
  if (first.starts_with('-')) throw Error(first.substr(1));
  return first.substr(1);
}

std::string problem_on_any(distributed::Communicator& communicator, const std::function<void()>& check) {
  const auto problems = communicator.gather_text(problem_of(check));
  const auto first =
      std::find_if(problems.begin(), problems.end(), [](const auto& text) { return !text.empty(); });
  return first == problems.end() ? "" : *first;
}

void on_all_ranks(distributed::Communicator& communicator, const std::function<void()>& work) {
  const auto problems = communicator.gather_text(problem_of(work));
  for (size_t rank = 0; rank < problems.size(); ++rank) {
    if (problems[rank].empty()) continue;
    throw Error(problems.size() == 1 ? problems[rank] : fmt::format("rank {}: {}", rank, problems[rank]));
  }
}

}  // namespace ccexpert::train
