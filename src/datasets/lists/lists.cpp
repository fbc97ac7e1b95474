#include "datasets/shared/lists.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/counter_random.h"
#include "core/error_place.h"
#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/universal_entry.h"
#include "datasets/json_stream.h"
#include "datasets/lists/known_pair.h"
#include "datasets/lists/list_writer.h"
#include "datasets/lists/uid_groups.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<const char*, 3> kSplits{"train", "val", "test"};

using VisitEntry = std::function<void(const json& entry, const UniversalEntry& read)>;

/// Returns a visitor that also reads each entry.
VisitElement reading(VisitEntry visit) {
  return [visit = std::move(visit)](const json& entry, const std::string& where) {
    visit(entry, read_universal_entry(entry, where));
  };
}

/// Merger of lists, entry by entry.
class Merger {
 public:
  Merger(const fs::path& output, const ListOptions& options)
      : output_(output), options_(options), writer_(output, format_of(output)) {}

  void add(const fs::path& list) {
    const auto move = move_between(list, output_, options_);
    const auto visit = [&](const json& entry, const UniversalEntry& read) {
      add(read, moved_entry(entry, move), list);
    };
    visit_elements(list, {}, reading(visit));
  }

  MergeSummary finish() {
    summary_.captions += writer_.finish().captions;
    if (summary_.pairs == 0) fail_expected({"merge", "at least one pair", "none"});
    writer_.commit();
    return summary_;
  }

 private:
  void add(const UniversalEntry& read, ordered_json moved, const fs::path& list) {
    const auto flag = read.changed;
    const auto paths = read_pair_entry(json(moved), read.where);
    const auto images = expect_before(paths) + '\n' + expect_after(paths);
    const auto [known, is_new] = pairs_.emplace(text_key(images), KnownPair{writer_.size(), flag});
    if (!is_new) {
      with_place(read.where, [&] { known->second.expect_flag(flag); });
      if (!known->second.flag) known->second.flag = flag;
      writer_.add(known->second.number, {.captions = read.captions, .flag = flag});
      ++summary_.merged;
      return;
    }
    moved["uid"] = unique_uid(uid_or_before(read), list);
    writer_.write(moved);
    ++summary_.pairs;
    summary_.captions += static_cast<int64_t>(read.captions.size());
  }

  /// Returns the uid, prefixed with its list's folder and name if other images already use it.
  std::string unique_uid(const std::string& uid, const fs::path& list) {
    if (uids_.insert(text_key(uid)).second) return uid;
    ++summary_.renamed;
    const auto folder = fs::absolute(list).parent_path().filename().string();
    auto name = fmt::format("{}/{}/{}", folder, list.stem().string(), uid);
    for (int64_t i = 2; !uids_.insert(text_key(name)).second; ++i) {
      name = fmt::format("{}/{}/{}-{}", folder, list.stem().string(), uid, i);
    }
    return name;
  }

  fs::path output_;
  const ListOptions& options_;
  ListWriter writer_;
  std::unordered_map<TextKey, KnownPair, TextKeyHash> pairs_;
  std::unordered_set<TextKey, TextKeyHash> uids_;
  MergeSummary summary_;
};

/// Properties of a pair that decide its split.
struct Place {
  TextKey group;
  int stratum = 0;  ///< 0 unchanged, 1 changed, 2 unknown
};

int stratum_of(std::optional<bool> flag) {
  return !flag ? 2 : *flag ? 1 : 0;
}

std::vector<Place> places_in(ElementList& entries, const fs::path& list, const std::string& group) {
  const UidGroups groups(group);
  std::vector<Place> places;
  const auto visit = [&](const json& /*entry*/, const UniversalEntry& read) {
    const auto& uid = uid_or_before(read);
    const auto key = with_place(read.where, [&] { return text_key(groups.group_of(uid)); });
    places.push_back({key, stratum_of(read.changed)});
  };
  entries.visit({}, reading(visit));
  if (places.empty()) fail_expected({list.string(), "at least one pair", "none"});
  return places;
}

/// Indices of pairs by group; groups in order of first appearance.
using Groups = std::vector<std::vector<size_t>>;

std::array<Groups, 3> groups_of(const std::vector<Place>& places) {
  std::array<Groups, 3> groups;
  std::unordered_map<TextKey, std::pair<size_t, size_t>, TextKeyHash> known;
  for (size_t i = 0; i < places.size(); ++i) {
    auto& stratum = groups[static_cast<size_t>(places[i].stratum)];
    const auto [found, is_new] =
        known.emplace(places[i].group, std::pair(static_cast<size_t>(places[i].stratum), stratum.size()));
    if (is_new) stratum.emplace_back();
    groups[found->second.first][found->second.second].push_back(i);
  }
  return groups;
}

void shuffle_groups(Groups& groups, uint64_t seed, size_t stratum, RandomUse use) {
  shuffle(groups, CounterRandom(use, seed, stratum));
}

/// Returns the split of every pair; groups fill the splits one after the other.
std::vector<uint8_t> assign(std::array<Groups, 3> strata, size_t pairs, const SplitOptions& options) {
  std::vector<uint8_t> splits(pairs);
  for (size_t stratum = 0; stratum < strata.size(); ++stratum) {
    auto& groups = strata[stratum];
    shuffle_groups(groups, options.seed, stratum, RandomUse::kSplit);
    size_t total = 0, taken = 0;
    for (const auto& group : groups) total += group.size();
    for (const auto& group : groups) {
      // The middle of a group decides, so that large groups do not all go to the same side.
      const double at =
          (static_cast<double>(taken) + 0.5 * static_cast<double>(group.size())) / static_cast<double>(total);
      const auto split = at < options.shares[0] ? 0 : at < options.shares[0] + options.shares[1] ? 1 : 2;
      for (const auto number : group) splits[number] = static_cast<uint8_t>(split);
      taken += group.size();
    }
  }
  return splits;
}

void check_shares(const std::array<double, 3>& shares) {
  const double total = shares[0] + shares[1] + shares[2];
  if (std::min({shares[0], shares[1], shares[2]}) < 0 || std::abs(total - 1) > 1e-9) {
    fail_expected({"shares", "three shares of at least 0 with the sum 1",
                   fmt::format("{} + {} + {}", shares[0], shares[1], shares[2])});
  }
}

/// Returns the number of pairs to draw.
size_t wanted(size_t pairs, const SampleOptions& options) {
  if (options.count > 0) return std::min(pairs, static_cast<size_t>(options.count));
  return static_cast<size_t>(std::ceil(options.share * static_cast<double>(pairs) - 1e-9));
}

/// Returns the indices of each stratum's pairs, in an order that depends on the seed.
std::array<std::vector<size_t>, 3> shuffled_strata(const std::vector<Place>& places, uint64_t seed) {
  std::array<std::vector<size_t>, 3> strata;
  for (size_t i = 0; i < places.size(); ++i) strata[static_cast<size_t>(places[i].stratum)].push_back(i);
  for (size_t i = 0; i < strata.size(); ++i) {
    shuffle(strata[i], CounterRandom(RandomUse::kSample, seed, i));
  }
  return strata;
}

/// Returns a flag per pair: each stratum's share is rounded down, and the remainder is drawn from all others.
std::vector<bool> drawn(const std::vector<Place>& places, const SampleOptions& options) {
  const size_t count = wanted(places.size(), options);
  const double share = static_cast<double>(count) / static_cast<double>(places.size());
  std::vector<bool> taken(places.size());
  std::vector<size_t> rest;
  size_t number = 0;
  for (const auto& stratum : shuffled_strata(places, options.seed)) {
    const auto quota = static_cast<size_t>(share * static_cast<double>(stratum.size()));
    for (size_t i = 0; i < quota; ++i) taken[stratum[i]] = true;
    number += quota;
    rest.insert(rest.end(), stratum.begin() + static_cast<std::ptrdiff_t>(quota), stratum.end());
  }
  shuffle(rest, CounterRandom(RandomUse::kSample, options.seed, 3));
  for (size_t i = 0; number < count; ++i, ++number) taken[rest[i]] = true;
  return taken;
}

/// The list's file name selects the format; a list without an extension, such as standard input, becomes
/// .json.
fs::path split_path(const fs::path& folder, const std::string& split, const fs::path& list) {
  return folder / (split + (list.has_extension() ? list.extension().string() : ".json"));
}

[[noreturn]] void refuse_new(const std::string& where) {
  fail(where, "is new since the list was read first", "the list must not change meanwhile");
}

/// Completes all lists before it commits the first one.
std::array<int64_t, 3> committed(std::array<std::unique_ptr<ListWriter>, 3>& writers) {
  std::array<int64_t, 3> counts{};
  for (auto& writer : writers) {
    if (writer != nullptr) writer->finish();
  }
  for (size_t i = 0; i < writers.size(); ++i) {
    if (writers[i] == nullptr) continue;
    writers[i]->commit();
    counts[i] = static_cast<int64_t>(writers[i]->size());
  }
  return counts;
}

}  // namespace

MergeSummary merge_lists(const std::vector<fs::path>& lists, const fs::path& output,
                         const ListOptions& options) try {
  expect_new(output, options.overwrite);
  make_folder(output.parent_path());
  Merger merger(output, options);
  for (const auto& list : lists) merger.add(list);
  return merger.finish();
} catch (...) {
  rethrow_as_error();
}

std::array<int64_t, 3> split_list(const fs::path& list, const fs::path& folder,
                                  const SplitOptions& options) try {
  check_shares(options.shares);
  for (const auto* split : kSplits) expect_new(split_path(folder, split, list), options.lists.overwrite);
  ElementList entries(list);
  const auto places = places_in(entries, list, options.group);
  const auto splits = assign(groups_of(places), places.size(), options);
  make_folder(folder);
  std::array<std::unique_ptr<ListWriter>, 3> writers;
  const auto move = move_between(list, folder / "train", options.lists);
  size_t number = 0;
  entries.visit({}, [&](const json& entry, const std::string& where) {
    if (number == splits.size()) refuse_new(where);
    const size_t split = splits[number++];
    auto& writer = writers[split];
    const auto path = split_path(folder, kSplits[split], list);
    if (writer == nullptr) writer = std::make_unique<ListWriter>(path, format_of(path));
    writer->write(moved_entry(entry, move));
  });
  return committed(writers);
} catch (...) {
  rethrow_as_error();
}

int64_t sample_list(const fs::path& list, const fs::path& output, const SampleOptions& options) try {
  check_options(options);
  expect_new(output, options.lists.overwrite);
  ElementList entries(list);
  const auto taken = drawn(places_in(entries, list, "^(.*)$"), options);
  make_folder(output.parent_path());
  ListWriter writer(output, format_of(output));
  const auto move = move_between(list, output, options.lists);
  size_t number = 0;
  entries.visit({}, [&](const json& entry, const std::string& where) {
    if (number == taken.size()) refuse_new(where);
    if (taken[number++]) writer.write(moved_entry(entry, move));
  });
  writer.finish();
  writer.commit();
  return static_cast<int64_t>(writer.size());
} catch (...) {
  rethrow_as_error();
}

int64_t leave_out(const fs::path& list, const fs::path& output, const std::set<std::string>& uids,
                  const ListOptions& options) try {
  expect_new(output, options.overwrite);
  make_folder(output.parent_path());
  ListWriter writer(output, format_of(output));
  const auto move = move_between(list, output, options);
  const auto visit = [&](const json& entry, const UniversalEntry& read) {
    if (!uids.contains(uid_or_before(read))) writer.write(moved_entry(entry, move));
  };
  visit_elements(list, {}, reading(visit));
  if (writer.size() == 0) fail_expected({list.string(), "at least one remaining pair", "none"});
  writer.finish();
  writer.commit();
  return static_cast<int64_t>(writer.size());
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
