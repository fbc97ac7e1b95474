#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/geo/map.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "geo/append_file.h"
#include "geo/gdal_use.h"
#include "geo/journal.h"
#include "geo/publish.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

/// Returns the files of shards beside the output.
std::vector<fs::path> shards_beside(const fs::path& output) {
  const auto folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  const auto prefix = output.filename().string() + ".shard-";
  std::vector<fs::path> shards;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(prefix)) shards.push_back(entry.path());
  }
  if (shards.empty())
    fail_expected(
        {output.string(), "files of shards beside it, as ccexpert-map --shard writes them", "none"});
  std::ranges::sort(shards);
  return shards;
}

void check_shard(const JournalReader& shard, const JournalReader& first) {
  const auto name = shard.path().string();
  if (shard.plan().identity != first.plan().identity || shard.plan().shard.count != first.plan().shard.count)
    fail_expected({name, "a shard of the same map as " + first.path().string(), "one of another map"});
  if (!shard.is_complete()) {
    fail_expected({name, fmt::format("{} tiles", shard.plan().mine), std::to_string(shard.lines().size()),
                   "run its shard again with --resume"});
  }
}

/// Throws Error unless each shard is there once, and complete.
void check_all(const std::vector<JournalReader>& shards) {
  std::set<int64_t> indices;
  for (const auto& shard : shards) {
    check_shard(shard, shards.front());
    if (!indices.insert(shard.plan().shard.index).second)
      fail_expected({shard.path().string(), "each shard once", "a second " + shard.plan().shard.text()});
  }
  const auto count = shards.front().plan().shard.count;
  for (int64_t index = 1; index <= count; ++index) {
    if (!indices.contains(index))
      fail_expected(
          {"shards", fmt::format("all {} of the map", count), fmt::format("none for {}/{}", index, count)});
  }
}

/// Lock that one process of a machine or of a shared file system holds. Its file is there until it is given
/// back.
class MergeLock {
 public:
  explicit MergeLock(const fs::path& output) : path_(output) {
    path_ += ".merging";
    // A process that waited may hold the lock of a file that the one before it has removed.
    do {
      close();
      descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX) != 0) {
        const int code = errno;
        close();
        fail_system(path_.string(), "cannot be written", code);
      }
    } while (!is_at(descriptor_, path_));
  }
  ~MergeLock() {
    ::unlink(path_.c_str());
    close();
  }
  MergeLock(const MergeLock&) = delete;
  MergeLock& operator=(const MergeLock&) = delete;

 private:
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  fs::path path_;
  int descriptor_ = -1;
};

/// Returns the files of all shards, the given one first, or nothing if one is not there.
std::vector<fs::path> all_shards(const fs::path& output, const Shard& shard) {
  std::vector<fs::path> shards;
  for (int64_t i = 0; i < shard.count; ++i) {
    shards.push_back(journal_path(output, {(shard.index - 1 + i) % shard.count + 1, shard.count}));
    if (!is_there(shards.back())) return {};
  }
  return shards;
}

}  // namespace

std::optional<MapSummary> merge_if_last(const fs::path& output, const Shard& shard) try {
  start_gdal();
  const QuietGdal quiet;
  if (all_shards(output, shard).empty()) return std::nullopt;
  const MergeLock lock(output);
  const auto shards = all_shards(output, shard);
  std::vector<JournalReader> journals;
  for (const auto& path : shards) journals.emplace_back(path);
  const bool complete =
      std::ranges::all_of(journals, [](const auto& journal) { return journal.is_complete(); });
  if (journals.empty() || !complete) return std::nullopt;
  check_all(journals);
  auto summary = publish(journals, output);
  // Tiles with an error can be tried again.
  if (summary.failed > 0) return summary;
  for (const auto& path : shards) fs::remove(path);
  return summary;
} catch (...) {
  rethrow_as_error();
}

MapSummary merge_shards(const fs::path& output, std::vector<fs::path> shards, bool overwrite) try {
  format_of(output);
  start_gdal();
  const QuietGdal quiet;
  if (shards.empty()) shards = shards_beside(output);
  std::vector<JournalReader> journals;
  for (const auto& shard : shards) journals.emplace_back(shard);
  check_all(journals);
  const auto& plan = journals.front().plan();
  expect_distinct(output, plan.heatmap, plan.report, !plan.series.empty());
  for (const auto& file : published_files(output, plan.heatmap, !plan.series.empty())) {
    if (!overwrite && is_there(file))
      fail_expected({file.string(), "no such file yet", "one", "--overwrite replaces it"});
  }
  if (!plan.report.empty() && !overwrite && is_there(plan.report))
    fail_expected({plan.report, "no such file yet", "one", "--overwrite replaces it"});
  return publish(journals, output);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::geo
