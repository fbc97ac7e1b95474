#include "eval/eval_run.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/exit_code.h"
#include "common/standard_streams.h"
#include "core/printable.h"
#include "core/text_file.h"

namespace ccexpert::tools {
namespace {

constexpr size_t kShownUids = 3;

using eval::CaptionedPair;
using eval::CaptionEntry;
using eval::EvaluationSet;

std::vector<std::string> sentences_of(const EvalCommand& command) {
  if (command.unchanged_sentences.empty()) return eval::levir_cc_unchanged_sentences();
  std::istringstream text(read_text_file(command.unchanged_sentences));
  std::vector<std::string> sentences;
  for (std::string line; std::getline(text, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) sentences.push_back(line);
  }
  if (sentences.empty())
    fail_expected({command.unchanged_sentences.string(), "at least one sentence", "none"});
  return sentences;
}

/// Returns the chosen elements of a list.
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
  result.changes = picked(set.changes, chosen);
  result.unsure = picked(set.unsure, chosen);
  result.masks = picked(set.masks, chosen);
  return result;
}

/// Indices of samples by uid and its number of earlier occurrences: a repeated uid is another sample.
using Places = std::map<std::pair<std::string, size_t>, size_t>;

Places places_of(const EvaluationSet& set) {
  Places places;
  std::unordered_map<std::string, size_t> seen;
  for (size_t i = 0; i < set.samples.size(); ++i) {
    const auto& uid = set.samples[i].uid;
    places.emplace(std::pair(uid, seen[uid]++), i);
  }
  return places;
}

/// Returns the keys common to all sets, in the order of the first.
std::vector<Places::key_type> common_keys(const std::vector<Places>& places) {
  std::vector<std::pair<size_t, Places::key_type>> common;
  for (const auto& [key, place] : places.front()) {
    if (std::all_of(places.begin(), places.end(), [&](const Places& each) { return each.contains(key); }))
      common.emplace_back(place, key);
  }
  std::sort(common.begin(), common.end());
  std::vector<Places::key_type> keys;
  for (auto& [place, key] : common) keys.push_back(std::move(key));
  return keys;
}

/// Keeps the pairs common to all sets, in the order of the first; returns the number of samples left out.
size_t keep_common(std::vector<EvaluationSet>& sets) {
  std::vector<Places> places;
  for (const auto& set : sets) places.push_back(places_of(set));
  const auto keys = common_keys(places);
  if (keys.empty()) fail_expected({"--compare", "predictions of the same pairs", "no uid in common"});
  size_t lost = 0;
  for (size_t i = 0; i < sets.size(); ++i) {
    std::vector<size_t> chosen;
    for (const auto& key : keys) chosen.push_back(places[i].at(key));
    lost += sets[i].samples.size() - chosen.size();
    sets[i] = picked(sets[i], chosen);
  }
  return lost;
}

/// Gives all sets the references of the first.
void share_references(std::vector<EvaluationSet>& sets) {
  for (auto& set : sets) {
    for (size_t i = 0; i < set.samples.size(); ++i) {
      set.samples[i].references = sets.front().samples[i].references;
      set.samples[i].changed = sets.front().samples[i].changed;
    }
  }
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

std::vector<CaptionEntry> references_of(const EvalCommand& command) {
  if (command.references.empty()) return {};
  return eval::read_references(command.references, command.split, command.image_root);
}

/// Returns the predictions, then those to compare with.
std::vector<EvaluationSet> sets_of(const EvalCommand& command, const std::vector<CaptionEntry>& references,
                                   const std::vector<std::string>& sentences) {
  std::vector<std::filesystem::path> files{command.predictions};
  files.insert(files.end(), command.compare.begin(), command.compare.end());
  std::vector<EvaluationSet> sets;
  for (const auto& file : files)
    sets.push_back(eval::evaluation_set(eval::read_predictions(file, command.image_root), references,
                                        sentences, command.repeats));
  return sets;
}

/// Throws Error, before the work, if the figure is to have a pair that is not scored.
void expect_uids(const std::vector<std::string>& uids, const EvaluationSet& set) {
  for (const auto& uid : uids) {
    const auto is_uid = [&](const CaptionedPair& each) { return each.uid == uid; };
    if (std::none_of(set.samples.begin(), set.samples.end(), is_uid))
      fail_expected({"--figure-uid", "the uid of a scored pair", uid});
  }
}

/// Returns "1 entry repeats" or "2 entries repeat".
std::string entries_that_repeat(size_t count) {
  return count == 1 ? "1 entry repeats" : fmt::format("{} entries repeat", count);
}

void compare(const EvalCommand& command, const Scored& first, Scored& other, const eval::Scorer& scorer) {
  for (size_t i = 0; i < other.subsets.size(); ++i)
    other.subsets[i].differences =
        scorer.compare(other.subsets[i].table, first.subsets[i].table, command.bootstrap);
}

}  // namespace

std::vector<const Scored*> all_models(const EvalResult& result) {
  std::vector<const Scored*> models{&result.scored};
  for (const auto& each : result.baselines) models.push_back(&each);
  return models;
}

std::string reference_counts(const EvaluationSet& set) {
  const auto [least, most] = std::minmax_element(set.samples.begin(), set.samples.end(),
                                                 [](const CaptionedPair& a, const CaptionedPair& b) {
                                                   return a.references.size() < b.references.size();
                                                 });
  const size_t few = least->references.size(), many = most->references.size();
  return few == many ? fmt::format("{}", few) : fmt::format("{} to {}", few, many);
}

std::shared_ptr<const eval::MeteorData> meteor_of(const EvalCommand& command) {
  if (command.no_meteor) return nullptr;
  const auto folder = command.meteor_data.empty() ? eval::MeteorData::default_folder() : command.meteor_data;
  return eval::MeteorData::open(folder, [&] {
    if (!command.quiet) print_note(fmt::format("ccexpert-eval: building the index of METEOR's tables, once"));
  });
}

EvaluationSet evaluation_set_of(const EvalCommand& command) {
  return eval::evaluation_set(eval::read_predictions(command.predictions, command.image_root),
                              references_of(command), sentences_of(command), command.repeats);
}

EvalResult evaluate(const EvalCommand& command, const std::shared_ptr<const eval::MeteorData>& meteor) {
  const auto sentences = sentences_of(command);
  const auto references = references_of(command);
  const bool has_splits = !references.empty() && !references.front().split.empty();
  if (!has_splits && !command.quiet && command.split != EvalCommand{}.split && command.split != "all")
    print_note(fmt::format("ccexpert-eval: the references have no splits; all pairs are scored"));
  EvalResult result{.scoring = {.tokenizer = command.tokenizer,
                                .repeats = command.repeats,
                                .meteor = meteor != nullptr,
                                .split = has_splits ? command.split : "",
                                .confidence = command.bootstrap.confidence,
                                .resamples = command.no_bootstrap ? 0 : command.bootstrap.resamples},
                    .scored = {},
                    .baselines = {},
                    .left_out = 0};
  auto sets = sets_of(command, references, sentences);
  if (sets.size() > 1) result.left_out = keep_common(sets);
  expect_uids(command.figure_uids, sets.front());
  share_references(sets);
  eval::Scorer scorer(
      {.tokenizer = result.scoring.tokenizer, .meteor = meteor, .unchanged_sentences = sentences});
  result.scored = scored(command, command.names.front(), std::move(sets.front()), scorer);
  for (size_t i = 1; i < sets.size(); ++i) {
    result.baselines.push_back(scored(command, command.names[i], std::move(sets[i]), scorer));
    compare(command, result.scored, result.baselines.back(), scorer);
  }
  return result;
}

int report_coverage(const EvalCommand& command, const EvalResult& result) {
  const auto tell = [](const std::vector<std::string>& uids, const std::string& name, const char* problem) {
    if (uids.empty()) return;
    std::vector<std::string> shown;
    for (size_t i = 0; i < std::min(uids.size(), kShownUids); ++i) shown.push_back(printable(uids[i]));
    print_note(fmt::format("ccexpert-eval: {}: {} {} ({}{})", printable(name), uids.size(), problem,
                           first_few(shown, kShownUids), uids.size() > kShownUids ? ", ..." : ""));
  };
  const auto tell_of = [&](const Scored& scored) {
    tell(scored.set.missing, scored.name, "pairs have references but no prediction; they are not scored");
    if (command.quiet) return;
    tell(scored.set.extra, scored.name, "predictions have no references; they are left out");
    if (scored.set.merged > 0)
      print_note(fmt::format("ccexpert-eval: {}: {} a uid with other references, which are added",
                             printable(scored.name), entries_that_repeat(scored.set.merged)));
    if (scored.set.contradicted > 0)
      print_note(fmt::format("ccexpert-eval: {}: {} a uid with another caption; the first counts",
                             printable(scored.name), entries_that_repeat(scored.set.contradicted)));
  };
  const auto models = all_models(result);
  for (const auto* model : models) tell_of(*model);
  if (result.left_out > 0 && !command.quiet)
    print_note(fmt::format(
        "ccexpert-eval: {} predictions are of pairs missing in some of the files; they are left out",
        result.left_out));
  const bool missing = std::any_of(models.begin(), models.end(),
                                   [](const Scored* model) { return !model->set.missing.empty(); });
  return missing ? kSomeFailed : kSuccess;
}

}  // namespace ccexpert::tools
