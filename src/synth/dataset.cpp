#include "synth/shared/dataset.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "core/text_file.h"
#include "core/threads.h"
#include "synth/pair_files.h"
#include "synth/random.h"

namespace ccexpert::synth {
namespace {

using Json = nlohmann::ordered_json;

/// Must be increased if the same seed gives other pictures or words: a folder must not mix two versions.
constexpr int64_t kGenerator = 8;
constexpr const char* kDescription = "dataset.json";
constexpr const char* kMadeBy = "ccexpert-data synth";

Json class_table() {
  Json table = Json::object();
  for (size_t i = 0; i < kLandClassNames.size(); ++i) table[std::to_string(i)] = kLandClassNames[i];
  return table;
}

Json description_of(const DatasetOptions& options) {
  return {{"made_by", kMadeBy},
          {"generator", kGenerator},
          {"pairs", options.pairs},
          {"seed", options.seed},
          {"size", options.size},
          {"train_share", options.train_share},
          {"val_share", options.val_share},
          {"test_share", options.test_share},
          {"format", name_of(options.format)},
          {"classes", class_table()},
          {"about",
           "Synthetic: scenes are composed at random and painted, no photograph is used. images/A is before, "
           "images/B after; masks hold 255 where something was built, removed or planted (shadows, cars and "
           "seasons are no change); classes hold an index of the table for each pixel. Maps lie on the image "
           "before; the image after is moved by some pixels (mostly up to 4, at most 12 in each direction), "
           "turned by up to 0.7 degrees and scaled by up to 1.5 %, as real ones are."}};
}

/// Throws Error if the folder was begun with other options. More pairs than before are allowed.
void expect_same(const std::filesystem::path& file, const Json& ours) {
  const auto theirs = parse_json(read_text_file(file), file.string());
  for (const auto& [key, value] : ours.items()) {
    if (key == "about" || key == "pairs") continue;
    const auto found = theirs.is_object() ? theirs.find(key) : theirs.end();
    const bool there = theirs.is_object() && found != theirs.end();
    if (!there || found->dump() != value.dump()) {
      fail_expected({file.string() + ": " + key, value.dump(), there ? found->dump() : "nothing",
                     "continue with the options it was begun with, or choose another folder"});
    }
  }
  const auto before = json_value<int64_t>(theirs, "pairs", 0, file.string());
  const auto now = ours["pairs"].get<int64_t>();
  if (before > now)
    fail_expected({file.string() + ": pairs", fmt::format("at most {}", now), std::to_string(before),
                   "a folder can only grow"});
}

void begin(const std::filesystem::path& folder, const DatasetOptions& options) {
  const Json description = description_of(options);
  std::error_code code;
  if (is_there(folder / kDescription)) {
    expect_same(folder / kDescription, description);
  } else if (is_there(folder) && !(is_folder(folder) && std::filesystem::is_empty(folder, code))) {
    fail_expected({folder.string(), "a new or empty folder, or one that " + std::string(kMadeBy) + " began",
                   "something else"});
  }
  for (const char* name : {"images/A", "images/B", "masks", "classes/A", "classes/B"}) {
    std::filesystem::create_directories(folder / name, code);
    if (code) fail_system((folder / name).string(), "cannot be created", code.value());
  }
  write_whole(folder / kDescription, description.dump(2) + "\n");
}

/// Generates the pairs on several threads; the first error stops all of them and is rethrown.
class Work {
 public:
  Work(const std::filesystem::path& folder, const DatasetOptions& options,
       const std::function<void(int64_t)>& done, std::stop_token stop)
      : folder_(folder),
        options_(options),
        done_(done),
        stop_(std::move(stop)),
        texts_(static_cast<size_t>(options.pairs)) {}

  void run() {
    {
      std::vector<std::jthread> threads;
      for (int64_t i = 0; i < jobs(); ++i) threads.emplace_back([this] { take_pairs(); });
    }
    if (error_) std::rethrow_exception(error_);
  }

  DatasetSummary summary() const { return {written_, found_, written_ + found_ < options_.pairs}; }
  const std::vector<PairText>& texts() const { return texts_; }

 private:
  int64_t jobs() const { return std::min(threads_or_cores(options_.jobs), options_.pairs); }

  void take_pairs() {
    try {
      for (int64_t index = next_++; index < options_.pairs && !stop_.stop_requested() && !failed_;
           index = next_++)
        make(index);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_ = true;
    }
  }

  void make(int64_t index) {
    const PairSource source{options_.seed, options_.size};
    const auto paths = paths_of(index, name_of(options_.format));
    const bool there = is_complete(folder_, paths);
    auto& text = texts_[static_cast<size_t>(index)];
    if (there) {
      text = describe_pair(source, index);
    } else {
      auto pair = generate_pair(source, index);
      write_pair(folder_, paths, pair);
      text = std::move(pair.text);
    }
    const std::lock_guard lock(mutex_);
    ++(there ? found_ : written_);
    if (done_) done_(1);
  }

  const std::filesystem::path& folder_;
  const DatasetOptions& options_;
  const std::function<void(int64_t)>& done_;
  std::stop_token stop_;
  std::vector<PairText> texts_;
  std::atomic<int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;
  int64_t written_ = 0;
  int64_t found_ = 0;
};

Json entry_of(const PairPaths& paths, const PairText& text) {
  return {{"uid", paths.name},
          {"change_flag", text.changed ? 1 : 0},
          {"img1_path", paths.before.string()},
          {"img2_path", paths.after.string()},
          {"mask_path", paths.mask.string()},
          {"classes1_path", paths.classes_before.string()},
          {"classes2_path", paths.classes_after.string()},
          {"change_caption", text.captions}};
}

/// Returns 0 train, 1 val, 2 test. It depends on the pair's own number, so that adding pairs moves no other
/// pair.
size_t split_of(const DatasetOptions& options, int64_t index) {
  constexpr uint64_t kUse = 0x5B117;
  const double draw = Random(options.seed ^ kUse, static_cast<uint64_t>(index)).uniform();
  if (draw < options.train_share) return 0;
  return draw < options.train_share + options.val_share ? 1 : 2;
}

void write_lists(const std::filesystem::path& folder, const DatasetOptions& options,
                 const std::vector<PairText>& texts) {
  std::array<std::string, 3> lists;
  for (int64_t index = 0; index < options.pairs; ++index) {
    auto& list = lists[split_of(options, index)];
    list += list.empty() ? "[\n" : ",\n";
    list += entry_of(paths_of(index, name_of(options.format)), texts[static_cast<size_t>(index)]).dump();
  }
  constexpr std::array<const char*, 3> kNames{"train.json", "val.json", "test.json"};
  for (size_t i = 0; i < lists.size(); ++i)
    write_whole(folder / kNames[i], lists[i].empty() ? "[]\n" : lists[i] + "\n]\n");
}

}  // namespace

void DatasetOptions::validate() const {
  check_fields(*this, [](const std::string& option) { return option; });
  const double total = train_share + val_share + test_share;
  if (std::abs(total - 1) > 1e-9)
    fail_expected({"train_share, val_share, test_share", "shares of 0 or more that add up to 1",
                   fmt::format("{} + {} + {}", train_share, val_share, test_share)});
}

DatasetSummary write_dataset(const std::filesystem::path& folder, const DatasetOptions& options,
                             const std::function<void(int64_t)>& done, std::stop_token stop) try {
  options.validate();
  begin(folder, options);
  Work work(folder, options, done, std::move(stop));
  work.run();
  const auto summary = work.summary();
  if (!summary.interrupted) write_lists(folder, options, work.texts());
  return summary;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::synth
