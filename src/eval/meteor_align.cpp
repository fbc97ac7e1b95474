#include "eval/meteor_align.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace ccexpert::eval {
namespace {

constexpr size_t kBeam = 40;
/// Weights of exact words, stems, synonyms and paraphrases in the original's aligner; the tuned weights apply
/// to the score only.
constexpr std::array<double, 4> kModuleWeights{1.0, 0.5, 0.5, 0.5};
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

/// Partial alignment of the reference's first words.
struct Path {
  uint32_t covered = 0;       ///< weighted covered words on both sides
  uint32_t chunks = 0;        ///< closed chunks
  uint32_t distance = 0;      ///< breaks ties in favour of earlier tries, see extend
  uint32_t next = 0;          ///< next reference word to match
  uint32_t last_end = kNone;  ///< end of the open chunk in the prediction
  uint32_t trail = kNone;     ///< index of its last step
  uint32_t used = 0;          ///< index of its used words
};

/// Returns the coverage of a match. The original adds it to an integer, which drops the fraction: a single
/// word matched by stem or synonym counts 0, so it is used only if it costs no chunk, and a paraphrase of
/// five words counts 2.
uint32_t coverage(const MeteorMatch& match) {
  const double weight = kModuleWeights.at(static_cast<size_t>(match.kind));
  const auto whole = [&](size_t words) { return static_cast<uint32_t>(weight * static_cast<double>(words)); };
  return whole(match.prediction_words) + whole(match.reference_words);
}

/// Marks candidates that are the only ones for all of their words; these are always used.
std::vector<bool> definite(const MatchCandidates& candidates, size_t prediction_words) {
  std::vector<int> said(prediction_words, 0), expected(candidates.size(), 0);
  const auto visit = [&](const MeteorMatch& match, auto&& each) {
    for (size_t i = 0; i < match.prediction_words; ++i) each(said[match.prediction_start + i]);
    for (size_t i = 0; i < match.reference_words; ++i) each(expected[match.reference_start + i]);
  };
  for (const auto& list : candidates) {
    for (const auto& match : list) visit(match, [](int& count) { ++count; });
  }
  std::vector<bool> result;
  for (const auto& list : candidates) {
    bool alone = list.size() == 1;
    if (alone) visit(list.front(), [&](int count) { alone = alone && count == 1; });
    result.push_back(alone);
  }
  return result;
}

bool is_better(const Path& one, const Path& other) {
  if (one.covered != other.covered) return one.covered > other.covered;
  if (one.chunks != other.chunks) return one.chunks < other.chunks;
  return one.distance < other.distance;
}

uint32_t distance(const MeteorMatch& match) {
  const size_t start = match.prediction_start, expected = match.reference_start;
  return static_cast<uint32_t>(start > expected ? start - expected : expected - start);
}

/// Match of a path and its predecessor.
struct Step {
  const MeteorMatch* match;
  uint32_t before;
};

/// Bit sets of the prediction's words that each path uses.
class UsedWords {
 public:
  explicit UsedWords(size_t words) : stride_((words + 63) / 64) {}

  uint32_t add() {
    bits_.resize(bits_.size() + stride_, 0);
    return last();
  }
  /// Adds a copy of another entry.
  uint32_t add(const UsedWords& from, uint32_t entry) {
    const auto* start = from.bits_.data() + entry * stride_;
    bits_.insert(bits_.end(), start, start + stride_);
    return last();
  }
  bool any(uint32_t entry, const MeteorMatch& match) const {
    for (size_t i = 0; i < match.prediction_words; ++i) {
      const size_t word = match.prediction_start + i;
      if ((bits_[entry * stride_ + word / 64] >> (word % 64) & 1) != 0) return true;
    }
    return false;
  }
  void set(uint32_t entry, const MeteorMatch& match) {
    for (size_t i = 0; i < match.prediction_words; ++i) {
      const size_t word = match.prediction_start + i;
      bits_[entry * stride_ + word / 64] |= uint64_t{1} << (word % 64);
    }
  }
  void clear() { bits_.clear(); }

 private:
  uint32_t last() const { return static_cast<uint32_t>(bits_.size() / std::max<size_t>(stride_, 1)) - 1; }

  size_t stride_;
  std::vector<uint64_t> bits_;
};

class Search {
 public:
  Search(const MatchCandidates& candidates, size_t prediction_words)
      : candidates_(candidates),
        definite_(definite(candidates, prediction_words)),
        used_(prediction_words),
        next_used_(prediction_words) {}

  Alignment run() {
    Path start;
    start.used = used_.add();
    paths_.push_back(start);
    for (uint32_t word = 0; word < candidates_.size(); ++word) advance(word);
    sort();
    if (paths_.size() > kBeam) paths_.resize(kBeam);
    for (auto& path : paths_) close_chunk(path);
    sort();
    return trace(paths_.front());
  }

 private:
  void advance(uint32_t word) {
    sort();
    next_paths_.clear();
    next_used_.clear();
    for (size_t rank = 0; rank < std::min(kBeam, paths_.size()); ++rank) extend(paths_[rank], word);
    std::swap(paths_, next_paths_);
    std::swap(used_, next_used_);
  }

  /// Branches a path. As in the original, the distance of a match is added not to the path with the match but
  /// to the branches tried after it, so ties go to the branch tried first.
  void extend(Path path, uint32_t word) {
    if (path.next > word) {
      keep(path);
      return;
    }
    for (const auto& match : candidates_[word]) {
      if (used_.any(path.used, match)) continue;
      keep(path, match);
      path.distance += distance(match);
    }
    if (definite_[word]) return;
    close_chunk(path);
    ++path.next;
    keep(path);
  }

  void keep(Path path) {
    path.used = next_used_.add(used_, path.used);
    next_paths_.push_back(path);
  }

  void keep(Path path, const MeteorMatch& match) {
    const auto start = static_cast<uint32_t>(match.prediction_start);
    const auto expected = static_cast<uint32_t>(match.reference_start);
    path.covered += coverage(match);
    if (path.last_end != kNone && path.last_end != start) ++path.chunks;
    path.next = expected + static_cast<uint32_t>(match.reference_words);
    path.last_end = start + static_cast<uint32_t>(match.prediction_words);
    steps_.push_back({&match, path.trail});
    path.trail = static_cast<uint32_t>(steps_.size() - 1);
    keep(path);
    next_used_.set(next_paths_.back().used, match);
  }

  static void close_chunk(Path& path) {
    if (path.last_end != kNone) ++path.chunks;
    path.last_end = kNone;
  }

  /// Sorts stably: of equal paths the one found first stays first.
  void sort() { std::stable_sort(paths_.begin(), paths_.end(), is_better); }

  Alignment trace(const Path& path) const {
    Alignment alignment{.matches = {}, .chunks = path.chunks};
    for (uint32_t step = path.trail; step != kNone; step = steps_[step].before)
      alignment.matches.push_back(*steps_[step].match);
    std::reverse(alignment.matches.begin(), alignment.matches.end());
    return alignment;
  }

  const MatchCandidates& candidates_;
  std::vector<bool> definite_;
  std::vector<Path> paths_, next_paths_;
  UsedWords used_, next_used_;
  std::vector<Step> steps_;
};

}  // namespace

Alignment best_alignment(const MatchCandidates& candidates, size_t prediction_words) {
  return Search(candidates, prediction_words).run();
}

}  // namespace ccexpert::eval
