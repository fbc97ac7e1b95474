// Cache of METEOR's index, safe for concurrent builds by several processes.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/eval/meteor.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "eval/hash.h"
#include "eval/meteor_index.h"
#include "eval/meteor_index_file.h"
#include "eval/meteor_source.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCacheHint = "set XDG_CACHE_HOME to a writable folder";

/// Age above which a build folder is a leftover of a killed build; a build takes seconds.
constexpr auto kLongestBuild = std::chrono::hours(1);

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "ccexpert";
  const char* home = std::getenv("HOME");
  if (home == nullptr) fail_expected({"METEOR's index", "a cache folder", "none", "set XDG_CACHE_HOME"});
  return fs::path(home) / ".cache" / "ccexpert";
}

/// Deletes leftovers of killed builds. Several processes may do so at the same time.
void remove_old_builds(const fs::path& file) {
  const auto name = file.filename().string();
  const auto oldest = fs::file_time_type::clock::now() - kLongestBuild;
  std::vector<fs::path> leftovers;
  std::error_code code;
  for (fs::directory_iterator entry(file.parent_path(), code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code unknown;
    const bool is_old = entry->last_write_time(unknown) < oldest && !unknown;
    if (is_old && entry->path().filename().string().starts_with(name + ".tmp"))
      leftovers.push_back(entry->path());
  }
  for (const auto& leftover : leftovers) fs::remove_all(leftover, code);
}

/// Temporary folder next to a file, in which the file is built. Its name is unique among all users of the
/// cache; the destructor removes it.
class BuildFolder {
 public:
  explicit BuildFolder(const fs::path& file) : path_(file.string() + ".tmp-XXXXXX") {
    std::error_code code;
    fs::create_directories(file.parent_path(), code);
    if (::mkdtemp(path_.data()) == nullptr) {
      fail_expected({"METEOR's index", "a writable cache folder",
                     fmt::format("{}: {}", file.parent_path().string(), std::strerror(errno)), kCacheHint});
    }
  }
  ~BuildFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

  fs::path file() const { return fs::path(path_) / "index"; }

 private:
  std::string path_;
};

/// Returns the index in the cache; null if it is damaged or of other tables.
std::shared_ptr<const MeteorIndex> cached_index(const fs::path& file, uint64_t source_key) {
  if (!is_file(file)) return nullptr;
  try {
    auto mapped = MappedFile::open(file);
    if (meteor_index_key(*mapped) != source_key) return nullptr;
    return std::make_shared<const MeteorIndex>(std::move(mapped));
  } catch (const Error& error) {
    log::warning(fmt::format("{}; the index is rebuilt", error.what()));
    return nullptr;
  }
}

}  // namespace

fs::path MeteorData::default_folder() {
  const char* named = std::getenv("CCEXPERT_METEOR_DATA");
  return named != nullptr && *named != '\0' ? fs::path(named) : cache_folder() / "meteor-1.5";
}

std::shared_ptr<const MeteorData> MeteorData::open(const fs::path& folder,
                                                   const std::function<void()>& building) try {
  const uint64_t key = meteor_source_key(folder);
  // The version in the name allows programs of different versions to share a cache.
  const auto name = fmt::format("meteor-{:016x}.v{}.index", word_hash(fs::weakly_canonical(folder).string()),
                                kIndexMagic.back());
  const auto file = cache_folder() / name;
  remove_old_builds(file);
  if (auto index = cached_index(file, key)) return index;
  const BuildFolder build(file);
  if (building) building();
  build_meteor_index(folder, build.file());
  std::error_code code;
  fs::rename(build.file(), file, code);
  if (code) fail_system(file.string(), "cannot be written", code.value());
  return std::make_shared<const MeteorIndex>(MappedFile::open(file));
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
