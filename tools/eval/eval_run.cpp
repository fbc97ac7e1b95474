#include "eval/eval_run.h"

#include <algorithm>
#include <fstream>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "common/exit_code.h"
#include "core/file_names.h"

namespace ccexpert::tools {
namespace {

using eval::CaptionEntry;
using eval::EvaluationSet;
using eval::Sample;

std::vector<std::string> sentences_of(const EvalCommand& command) {
  if (command.unchanged_sentences.empty()) return eval::levir_cc_unchanged_sentences();
  std::ifstream file(command.unchanged_sentences);
  if (!file) fail(command.unchanged_sentences.string(), "cannot be opened");
  std::vector<std::string> sentences;
  for (std::string line; std::getline(file, line);) {
    if (sentences.empty()) line = without_byte_order_mark(line);
    if (line.find_first_not_of(" \t\r") != std::string::npos) sentences.push_back(line);
  }
  if (sentences.empty()) fail({command.unchanged_sentences.string(), "at least one sentence", "none"});
  return sentences;
}

/// The chosen elements of a list.
template <class Element>
std::vector<Element> picked(const std::vector<Element>& all, const std::vector<size_t>& chosen) {
  std::vector<Element> result;
  result.reserve(chosen.size());
  for (const size_t i : chosen) result.push_back(all[i]);
  return result;
}

EvaluationSet picked(const EvaluationSet& set, const std::vector<size_t>& chosen) {
  EvaluationSet result = set;
  result.samples = picked(set.samples, chosen);
  result.before = picked(set.before, chosen);
  result.after = picked(set.after, chosen);
  return result;
}

/// Keeps the pairs that both have, in the order of the first; returns how many only one has.
size_t keep_common(EvaluationSet& one, EvaluationSet& other) {
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < other.samples.size(); ++i) places.emplace(other.samples[i].uid, i);
  std::vector<size_t> own, others;
  for (size_t i = 0; i < one.samples.size(); ++i) {
    const auto found = places.find(one.samples[i].uid);
    if (found == places.end()) continue;
    own.push_back(i);
    others.push_back(found->second);
  }
  if (own.empty()) fail({"--compare", "predictions of the same pairs", "no uid in common"});
  const size_t lost = one.samples.size() + other.samples.size() - 2 * own.size();
  if (lost > 0)
    fmt::print(stderr, "ccexpert-eval: {} pairs stand in one of the two files only and are left out\n", lost);
  one = picked(one, own);
  other = picked(other, others);
  // Both are judged by the same references.
  for (size_t i = 0; i < own.size(); ++i) {
    other.samples[i].references = one.samples[i].references;
    other.samples[i].changed = one.samples[i].changed;
  }
  return lost;
}

std::vector<Subset> subsets_of(const EvaluationSet& set) {
  std::vector<Subset> subsets{{.name = "all", .pairs = {}, .table = {}},
                              {.name = "changed", .pairs = {}, .table = {}},
                              {.name = "unchanged", .pairs = {}, .table = {}}};
  for (size_t i = 0; i < set.samples.size(); ++i) {
    subsets[0].pairs.push_back(i);
    const auto& changed = set.samples[i].changed;
    if (changed) subsets[*changed ? 1 : 2].pairs.push_back(i);
  }
  std::erase_if(subsets, [](const Subset& subset) { return subset.pairs.empty(); });
  return subsets;
}

Scored scored(const EvalCommand& command, std::string name, EvaluationSet set, eval::Scorer& scorer) {
  Scored result{.name = std::move(name), .set = std::move(set), .subsets = {}};
  result.subsets = subsets_of(result.set);
  for (auto& subset : result.subsets) {
    subset.table = scorer.score(picked(result.set.samples, subset.pairs));
    if (!command.no_bootstrap) subset.intervals = scorer.intervals(subset.table, command.bootstrap);
  }
  return result;
}

}  // namespace

std::string reference_counts(const EvaluationSet& set) {
  const auto [least, most] = std::minmax_element(
      set.samples.begin(), set.samples.end(),
      [](const Sample& a, const Sample& b) { return a.references.size() < b.references.size(); });
  const size_t few = least->references.size(), many = most->references.size();
  return few == many ? fmt::format("{}", few) : fmt::format("{} to {}", few, many);
}

std::shared_ptr<const eval::MeteorData> meteor_of(const EvalCommand& command) {
  if (command.no_meteor) return nullptr;
  const auto folder = command.meteor_data.empty() ? eval::MeteorData::default_folder() : command.meteor_data;
  return eval::MeteorData::open(folder, [&] {
    if (!command.quiet) fmt::print(stderr, "ccexpert-eval: building the index of METEOR's tables, once\n");
  });
}

EvalResult evaluate(const EvalCommand& command, const std::shared_ptr<const eval::MeteorData>& meteor) {
  const auto sentences = sentences_of(command);
  std::vector<CaptionEntry> references;
  if (!command.references.empty())
    references = eval::read_references(command.references, command.split, command.image_root);
  const bool has_splits = !references.empty() && !references.front().split.empty();
  const auto set_of = [&](const std::filesystem::path& file) {
    return eval::evaluation_set(eval::read_predictions(file, command.image_root), references, sentences);
  };
  auto set = set_of(command.predictions);
  eval::Scorer scorer({.tokenizer = eval::tokenizer_of(command.tokenizer),
                       .meteor = meteor,
                       .unchanged_sentences = sentences});
  EvalResult result{.scoring = {.tokenizer = eval::tokenizer_of(command.tokenizer),
                                .meteor = meteor != nullptr,
                                .split = has_splits ? command.split : "",
                                .confidence = command.bootstrap.confidence,
                                .resamples = command.no_bootstrap ? 0 : command.bootstrap.resamples},
                    .scored = {},
                    .baseline = {},
                    .left_out = 0};
  if (command.compare.empty()) {
    result.scored = scored(command, command.name, std::move(set), scorer);
    return result;
  }
  auto other = set_of(command.compare);
  result.left_out = keep_common(set, other);
  result.scored = scored(command, command.name, std::move(set), scorer);
  result.baseline = scored(command, command.compare.stem().string(), std::move(other), scorer);
  for (size_t i = 0; i < result.scored.subsets.size(); ++i) {
    auto& subset = result.scored.subsets[i];
    subset.differences = scorer.compare(result.baseline->subsets[i].table, subset.table, command.bootstrap);
  }
  return result;
}

int report_coverage(const EvalCommand& command, const EvalResult& result) {
  const auto tell = [](const std::vector<std::string>& uids, const std::string& name, const char* problem) {
    if (uids.empty()) return;
    const auto shown =
        std::vector<std::string>(uids.begin(), uids.begin() + std::min<std::ptrdiff_t>(3, std::ssize(uids)));
    fmt::print(stderr, "ccexpert-eval: {}: {} {} ({}{})\n", name, uids.size(), problem,
               fmt::join(shown, ", "), uids.size() > shown.size() ? ", ..." : "");
  };
  const auto tell_of = [&](const Scored& scored) {
    tell(scored.set.missing, scored.name, "pairs have references and no prediction; they are not scored");
    if (command.quiet) return;
    tell(scored.set.extra, scored.name, "predictions have no references; they are left out");
    if (scored.set.merged > 0)
      fmt::print(stderr,
                 "ccexpert-eval: {}: {} entries repeat a uid with other references, which are added\n",
                 scored.name, scored.set.merged);
    if (scored.set.contradicted > 0)
      fmt::print(stderr,
                 "ccexpert-eval: {}: {} entries repeat a uid with another caption; the first counts\n",
                 scored.name, scored.set.contradicted);
  };
  tell_of(result.scored);
  if (result.baseline) tell_of(*result.baseline);
  const bool missing =
      !result.scored.set.missing.empty() || (result.baseline && !result.baseline->set.missing.empty());
  return missing ? kSomeFailed : kSuccess;
}

}  // namespace ccexpert::tools
