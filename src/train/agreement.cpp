#include "train/agreement.h"

#include <algorithm>
#include <map>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "train/content_hash.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;

std::string to_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Returns the error that `work` throws, or nothing.
std::optional<Error> problem_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(error.what(), ErrorKind::kInternal);
  }
  return std::nullopt;
}

/// Writes a problem for other ranks: a digit for its kind and the message; "" for none.
std::string sent(const std::optional<Error>& problem) {
  return problem ? fmt::format("{}{}", static_cast<int>(problem->kind()), problem->what()) : std::string();
}

std::optional<Error> received(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Error(text.substr(1), static_cast<ErrorKind>(text.front() - '0'));
}

RankDifference difference(const KeyValues& first, const KeyValues& own) {
  RankDifference found;
  const std::map<std::string, std::string> theirs(first.begin(), first.end()), ours(own.begin(), own.end());
  size_t count = 0;
  const auto note = [&](const std::string& key) {
    const auto in_first = theirs.find(key), in_own = ours.find(key);
    const bool both = in_first != theirs.end() && in_own != ours.end();
    if (both && in_first->second == in_own->second) return;
    if (++count > 1) return;
    found.key = key;
    if (in_first != theirs.end()) found.first = in_first->second;
    if (in_own != ours.end()) found.own = in_own->second;
  };
  for (const auto& [key, value] : first) note(key);
  for (const auto& [key, value] : own) {
    if (!theirs.contains(key)) note(key);
  }
  found.others = count > 0 ? count - 1 : 0;
  return found;
}

}  // namespace

std::string first_rank_says(distributed::Communicator& communicator,
                            const std::function<std::string()>& work) {
  std::string answer;
  const auto problem = problem_of([&] { answer = communicator.rank() == 0 ? work() : std::string(); });
  const auto first =
      communicator.gather_text(problem ? fmt::format("-{}", sent(problem)) : fmt::format("+{}", answer))
          .front();
  if (first.starts_with('-')) throw received(first.substr(1)).value();
  return first.substr(1);
}

std::string problem_on_any(distributed::Communicator& communicator, const std::function<void()>& check) {
  for (const auto& text : communicator.gather_text(sent(problem_of(check)))) {
    if (const auto problem = received(text)) return problem->what();
  }
  return {};
}

void on_all_ranks(distributed::Communicator& communicator, const std::function<void()>& work) {
  const auto problems = communicator.gather_text(sent(problem_of(work)));
  for (size_t rank = 0; rank < problems.size(); ++rank) {
    const auto problem = received(problems[rank]);
    if (!problem) continue;
    if (problems.size() == 1) throw *problem;
    throw Error(fmt::format("rank {}: {}", rank, problem->what()), problem->kind());
  }
}

bool on_any_rank(distributed::Communicator& communicator, bool own, at::Device device) {
  const auto ranks = at::full({1}, own ? 1.0 : 0.0, at::TensorOptions(device).dtype(at::kDouble));
  communicator.all_reduce_sum(ranks);
  return ranks.item<double>() > 0.0;
}

std::vector<json> gather_json(distributed::Communicator& communicator, const nlohmann::ordered_json& own,
                              const std::string& what) {
  std::vector<json> all;
  for (const auto& text : communicator.gather_text(to_text(own))) all.push_back(parse_json(text, what));
  return all;
}

std::string RankDifference::subject(const std::string& what) const {
  return fmt::format("rank {}: {}", rank, what);
}

std::optional<RankDifference> difference_between_ranks(distributed::Communicator& communicator,
                                                       const KeyValues& own) {
  const auto text = to_text(own);
  ContentHash hash;
  hash.add_text(text);
  const auto sums = communicator.gather_text(hash.hex());
  const auto differs =
      std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum != sums[0]; });
  if (differs == sums.end()) return std::nullopt;
  const auto rank = static_cast<size_t>(differs - sums.begin());
  const bool shows = communicator.rank() == 0 || communicator.rank() == static_cast<int>(rank);
  const auto texts = communicator.gather_text(shows ? text : "");
  const auto values_of = [&](size_t which) {
    return parse_json(texts[which], fmt::format("rank {}", which)).get<KeyValues>();
  };
  auto found = difference(values_of(0), values_of(rank));
  found.rank = static_cast<int>(rank);
  return found;
}

}  // namespace ccexpert::train
