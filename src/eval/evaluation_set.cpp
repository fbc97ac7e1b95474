#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "eval/merged_entries.h"
#include "eval/shared/caption_files.h"
#include "eval/words.h"

namespace ccexpert::eval {
namespace {

/// Index of entries by their names. A uid precedes an alias; an alias of two entries matches neither.
class EntryIndex {
 public:
  explicit EntryIndex(const std::vector<CaptionEntry>& entries) {
    for (const auto& entry : entries) {
      if (by_uid_.emplace(entry.uid, &entry).second) add_aliases(entry);
    }
  }

  const CaptionEntry* find(const std::string& name) const {
    const auto uid = by_uid_.find(name);
    if (uid != by_uid_.end()) return uid->second;
    const auto alias = by_alias_.find(name);
    return alias == by_alias_.end() ? nullptr : alias->second;
  }

 private:
  void add_aliases(const CaptionEntry& entry) {
    for (const auto& alias : entry.aliases) {
      const auto [known, is_new] = by_alias_.emplace(alias, &entry);
      if (!is_new && known->second != &entry) known->second = nullptr;
    }
  }

  std::unordered_map<std::string, const CaptionEntry*> by_uid_;
  std::unordered_map<std::string, const CaptionEntry*> by_alias_;
};

/// Infers `changed` for pairs without a change flag.
void deduce_changes(std::vector<CaptionedPair>& samples,
                    const std::vector<std::string>& unchanged_sentences) {
  std::unordered_set<std::string> unchanged;
  for (const auto& sentence : unchanged_sentences)
    unchanged.insert(joined_words(tokenize(sentence, Tokenizer::kReference)));
  const auto says_unchanged = [&](const std::string& reference) {
    return unchanged.contains(joined_words(tokenize(reference, Tokenizer::kReference)));
  };
  std::vector<CaptionedPair*> unknown;
  bool any_unchanged = false;
  for (auto& sample : samples) {
    if (sample.changed) continue;
    unknown.push_back(&sample);
    sample.changed = !std::all_of(sample.references.begin(), sample.references.end(), says_unchanged);
    any_unchanged = any_unchanged || !*sample.changed;
  }
  if (any_unchanged) return;
  for (auto* sample : unknown) sample->changed.reset();
}

/// Collector of samples by the uids of their references.
class Collector {
 public:
  Collector(EvaluationSet& set, Repeats repeats) : set_(set), repeats_(repeats) {}

  void add(const CaptionEntry& prediction, const CaptionEntry& references) {
    const auto [known, is_new] = places_.emplace(references.uid, set_.samples.size());
    if (!is_new) ++set_.repeated;
    if (!is_new && repeats_ == Repeats::kOnce) {
      repeat(set_.samples[known->second], prediction, references);
      return;
    }
    if (is_new) set_.merged += references.merged;
    set_.samples.push_back({.uid = references.uid,
                            .prediction = prediction.prediction.value(),
                            .references = references.references,
                            .changed = references.changed ? references.changed : prediction.changed});
    set_.before.push_back(prediction.before.empty() ? references.before : prediction.before);
    set_.after.push_back(prediction.after.empty() ? references.after : prediction.after);
    set_.changes.push_back(prediction.change);
    set_.unsure.push_back(prediction.unsure);
    set_.masks.push_back(prediction.mask.empty() ? references.mask : prediction.mask);
  }

  bool has(const std::string& uid) const { return places_.contains(uid); }

 private:
  void repeat(CaptionedPair& sample, const CaptionEntry& prediction, const CaptionEntry& references) {
    if (sample.prediction != prediction.prediction.value()) ++set_.contradicted;
    if (add_missing(sample.references, references.references)) ++set_.merged;
  }

  EvaluationSet& set_;
  Repeats repeats_;
  std::unordered_map<std::string, size_t> places_;
};

/// Finder of a prediction's pair: by its uid, else by another of its names if no other prediction has that
/// pair.
class PairFinder {
 public:
  PairFinder(const EntryIndex& index, const std::vector<CaptionEntry>& predictions) : index_(index) {
    for (const auto& entry : predictions) {
      const auto* pair = index_.find(entry.uid);
      const bool by_uid = pair != nullptr;
      if (!by_uid) pair = by_alias(entry);
      if (pair == nullptr) continue;
      auto& owner = owners_.try_emplace(pair, Owner{entry.uid, by_uid}).first->second;
      if (by_uid) {
        owner.by_uid = true;
      } else if (owner.uid != entry.uid) {
        owner.uid.reset();
      }
    }
  }

  const CaptionEntry* find(const CaptionEntry& entry) const {
    if (const auto* pair = index_.find(entry.uid)) return pair;
    const auto* pair = by_alias(entry);
    if (pair == nullptr) return nullptr;
    const auto& owner = owners_.at(pair);
    return !owner.by_uid && owner.uid == entry.uid ? pair : nullptr;
  }

 private:
  /// Prediction that names a pair by an alias.
  struct Owner {
    std::optional<std::string> uid;  ///< nothing if several predictions do
    bool by_uid;                     ///< another prediction has the pair's uid, so no alias counts
  };

  const CaptionEntry* by_alias(const CaptionEntry& entry) const {
    for (const auto& alias : entry.aliases) {
      const auto* pair = index_.find(alias);
      if (pair != nullptr && may_be_one(entry, *pair)) return pair;
    }
    return nullptr;
  }

  /// True if the later images agree: one image may be the earlier one of a pair and the later one of another.
  static bool may_be_one(const CaptionEntry& prediction, const CaptionEntry& pair) {
    return prediction.after.empty() || pair.after.empty() ||
           prediction.after.filename() == pair.after.filename();
  }

  const EntryIndex& index_;
  std::unordered_map<const CaptionEntry*, Owner> owners_;
};

void collect_own(const std::vector<CaptionEntry>& predictions, Repeats repeats, EvaluationSet& set) {
  Collector collector(set, repeats);
  for (const auto& entry : predictions) {
    if (entry.references.empty()) {
      set.extra.push_back(entry.uid);
    } else if (!entry.prediction) {
      set.missing.push_back(entry.uid);
    } else {
      collector.add(entry, entry);
    }
  }
  std::erase_if(set.missing, [&](const std::string& uid) { return collector.has(uid); });
}

void collect(const std::vector<CaptionEntry>& predictions, const std::vector<CaptionEntry>& references,
             Repeats repeats, EvaluationSet& set) {
  const EntryIndex index(references);
  const PairFinder pairs(index, predictions);
  std::unordered_map<const CaptionEntry*, std::vector<const CaptionEntry*>> said;
  for (const auto& entry : predictions) {
    const auto* pair = pairs.find(entry);
    if (pair == nullptr) {
      set.extra.push_back(entry.uid);
    } else if (entry.prediction) {
      said[pair].push_back(&entry);
    }
  }
  Collector collector(set, repeats);
  for (const auto& pair : references) {
    if (index.find(pair.uid) != &pair) continue;  // repeats an earlier entry
    const auto found = said.find(&pair);
    if (found == said.end()) {
      set.missing.push_back(pair.uid);
      continue;
    }
    for (const auto* prediction : found->second) collector.add(*prediction, pair);
  }
}

}  // namespace

EvaluationSet evaluation_set(const std::vector<CaptionEntry>& predictions,
                             const std::vector<CaptionEntry>& references,
                             const std::vector<std::string>& unchanged_sentences, Repeats repeats) try {
  EvaluationSet set;
  if (references.empty()) {
    collect_own(predictions, repeats, set);
  } else {
    collect(predictions, references, repeats, set);
  }
  if (set.samples.empty()) {
    const auto got = fmt::format("{} predictions without references, {} references without a prediction",
                                 set.extra.size(), set.missing.size());
    fail_expected(
        {"evaluation", "predictions and references of the same uids", got,
         references.empty() ? "name the references by --references" : "compare the uids of the two files"});
  }
  deduce_changes(set.samples, unchanged_sentences);
  return set;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
