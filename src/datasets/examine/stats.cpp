#include "datasets/shared/stats.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/counter_random.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "core/threads.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"
#include "datasets/parallel.h"
#include "datasets/sources/image_size.h"
#include "datasets/sources/sink.h"
#include "datasets/words.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Incremental counter of pairs.
class Counter {
 public:
  explicit Counter(const StatsOptions& options)
      : options_(options), random_(RandomUse::kSample, options.seed, 0) {}

  void add(data::ChangeExample&& pair) {
    ++stats_.pairs;
    stats_.visits += pair.repeat;
    stats_.captions += static_cast<int64_t>(pair.captions.size());
    if (pair.changed) ++(*pair.changed ? stats_.changed : stats_.unchanged);
    if (!pair.mask.empty()) ++stats_.masks;
    ++stats_.captions_per_pair[static_cast<int64_t>(pair.captions.size())];
    for (const auto& caption : pair.captions) add_caption(caption);
    if (options_.images) images_.push_back(pair.before.string());
    keep_sample(std::move(pair));
  }

  Stats finish() {
    if (stats_.pairs == 0) fail_expected({"list", "at least one pair", "none"});
    stats_.different_captions = static_cast<int64_t>(captions_.size());
    stats_.vocabulary.assign(words_.begin(), words_.end());
    std::sort(stats_.vocabulary.begin(), stats_.vocabulary.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    count_sizes();
    return std::move(stats_);
  }

 private:
  void add_caption(const std::string& caption) {
    const auto words = words_of(caption);
    stats_.words += static_cast<int64_t>(words.size());
    ++stats_.lengths[static_cast<int64_t>(words.size())];
    captions_.insert(text_key(caption));
    for (const auto& word : words) ++words_[word];
  }

  /// Keeps each pair with the same probability (reservoir sampling).
  void keep_sample(data::ChangeExample&& pair) {
    auto& samples = stats_.samples;
    if (static_cast<int64_t>(samples.size()) < options_.samples) {
      samples.push_back(std::move(pair));
      return;
    }
    const auto place = random_.below(stats_.pairs, static_cast<uint64_t>(stats_.pairs));
    if (place < options_.samples) samples[static_cast<size_t>(place)] = std::move(pair);
  }

  static std::optional<std::string> size_of(const std::string& file) {
    try {
      return text_of(image_size(file));
    } catch (const Fault&) {
      throw;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  void count_sizes() {
    parallel_ordered(
        static_cast<int64_t>(images_.size()), options_.jobs,
        [&](int64_t i) { return size_of(images_[static_cast<size_t>(i)]); },
        [&](int64_t /*i*/, std::optional<std::string>&& size) {
          if (size) {
            ++stats_.sizes[*size];
          } else {
            ++stats_.unreadable;
          }
        });
  }

  const StatsOptions& options_;
  CounterRandom random_;
  Stats stats_;
  std::unordered_map<std::string, int64_t> words_;
  std::unordered_set<TextKey, TextKeyHash> captions_;
  std::vector<std::string> images_;
};

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Returns the value that `share` of all counted items do not exceed.
int64_t quantile(const std::map<int64_t, int64_t>& counts, double share) {
  int64_t total = 0, seen = 0;
  for (const auto& [value, count] : counts) total += count;
  for (const auto& [value, count] : counts) {
    seen += count;
    if (static_cast<double>(seen) >= share * static_cast<double>(total)) return value;
  }
  return 0;
}

std::vector<std::pair<std::string, int64_t>> by_count(const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

ordered_json histogram(const std::map<int64_t, int64_t>& counts) {
  ordered_json json = ordered_json::object();
  for (const auto& [value, count] : counts) json[std::to_string(value)] = count;
  return json;
}

}  // namespace

void StatsOptions::validate() const {
  check_threads("jobs", jobs);
  check_options(*this);
}

Stats count_stats(const fs::path& list, const StatsOptions& options) try {
  options.validate();
  Counter counter(options);
  visit_examples(list, options.image_root, [&](data::ChangeExample&& pair, const std::string& /*where*/) {
    counter.add(std::move(pair));
  });
  return counter.finish();
} catch (...) {
  rethrow_as_error();
}

std::string stats_table(const Stats& stats) {
  std::string text;
  const auto row = [&](const char* name, const std::string& value) {
    text += fmt::format("{:24}{}\n", name, value);
  };
  const auto share = [&](int64_t part) {
    return fmt::format("{} ({:.1f} %)", part, 100 * ratio(part, stats.pairs));
  };
  row("pairs", std::to_string(stats.pairs));
  if (stats.visits != stats.pairs) row("visits per epoch", std::to_string(stats.visits));
  row("changed", share(stats.changed));
  row("unchanged", share(stats.unchanged));
  row("with a mask", share(stats.masks));
  row("captions", fmt::format("{} ({} different)", stats.captions, stats.different_captions));
  row("captions per pair", fmt::format("{:.2f}", ratio(stats.captions, stats.pairs)));
  row("words per caption",
      fmt::format("mean {:.1f}, median {}, 95 % up to {}, longest {}", ratio(stats.words, stats.captions),
                  quantile(stats.lengths, 0.5), quantile(stats.lengths, 0.95),
                  stats.lengths.empty() ? 0 : stats.lengths.rbegin()->first));
  row("vocabulary", fmt::format("{} words", stats.vocabulary.size()));
  std::string words;
  for (size_t i = 0; i < std::min<size_t>(10, stats.vocabulary.size()); ++i) {
    words +=
        fmt::format("{}{} {}", i == 0 ? "" : ", ", stats.vocabulary[i].first, stats.vocabulary[i].second);
  }
  row("most frequent", words);
  const auto sizes = by_count(stats.sizes);
  for (size_t i = 0; i < std::min<size_t>(5, sizes.size()); ++i) {
    row(i == 0 ? "images (width x height)" : "",
        fmt::format("{}: {}", sizes[i].first, share(sizes[i].second)));
  }
  if (sizes.size() > 5) row("", fmt::format("and {} more sizes", sizes.size() - 5));
  if (stats.unreadable > 0) row("unreadable images", share(stats.unreadable));
  return text;
}

std::string stats_json(const Stats& stats) {
  ordered_json vocabulary = ordered_json::object(), sizes = ordered_json::object();
  for (const auto& [word, count] : stats.vocabulary) vocabulary[word] = count;
  for (const auto& [size, count] : by_count(stats.sizes)) sizes[size] = count;
  const ordered_json json{{"pairs", stats.pairs},
                          {"visits", stats.visits},
                          {"changed", stats.changed},
                          {"unchanged", stats.unchanged},
                          {"masks", stats.masks},
                          {"captions", stats.captions},
                          {"different_captions", stats.different_captions},
                          {"words", stats.words},
                          {"captions_per_pair", histogram(stats.captions_per_pair)},
                          {"words_per_caption", histogram(stats.lengths)},
                          {"image_sizes", sizes},
                          {"unreadable_images", stats.unreadable},
                          {"vocabulary_size", stats.vocabulary.size()},
                          {"vocabulary", vocabulary}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ccexpert::datasets
