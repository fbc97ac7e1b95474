#include "train/run_folder.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/files.h"
#include "core/folder_entries.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kReplaced = ".replaced";
constexpr const char* kUnfinished = ".unfinished";

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  return error == std::errc() && stop == end ? std::optional(step) : std::nullopt;
}

/// True for a folder of a killed run: an unfinished checkpoint, or a replaced one.
bool is_left_over(const fs::path& path) {
  const auto kind = path.extension();
  return (kind == kUnfinished || kind == kReplaced) && step_of(path.stem().string());
}

void move(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code)
    fail_system(from.string(), fmt::format("cannot be renamed to {}", to.filename().string()), code.value());
}

}  // namespace

void replace_checkpoint(const fs::path& fresh, const fs::path& folder) {
  auto aside = folder;
  aside += kReplaced;
  std::error_code code;
  if (is_there(folder)) {
    fs::remove_all(aside, code);
    move(folder, aside);
  }
  move(fresh, folder);
  flush_folder(folder.parent_path());
  fs::remove_all(aside, code);  // on failure it only takes space, until the next prune
}

fs::path unfinished_checkpoint(const fs::path& folder) {
  auto unfinished = folder;
  unfinished += kUnfinished;
  return unfinished;
}

fs::path RunFolder::checkpoint(int64_t step) const {
  return checkpoints() / fmt::format("{}{:08}", kPrefix, step);
}

void RunFolder::create() const {
  std::error_code code;
  fs::create_directories(checkpoints(), code);
  if (code) fail_system(checkpoints().string(), "cannot be created", code.value());
}

void RunFolder::restore_replaced() const {
  for (const auto& path : folder_entries(checkpoints())) {
    if (path.extension() != kReplaced || !step_of(path.stem().string())) continue;
    const auto folder = checkpoints() / path.stem();
    if (!is_there(folder)) move(path, folder);
  }
}

std::vector<int64_t> RunFolder::steps() const {
  std::vector<int64_t> steps;
  if (!is_there(checkpoints())) return steps;
  for (const auto& path : folder_entries(checkpoints())) {
    if (const auto step = step_of(path.filename().string())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<int64_t> RunFolder::best_step() const {
  std::error_code code;
  const auto status = fs::symlink_status(best(), code);
  if (status.type() == fs::file_type::none) fail_system(best().string(), "cannot be accessed", code.value());
  if (status.type() != fs::file_type::symlink) return std::nullopt;
  return step_of(fs::read_symlink(best()).filename().string());
}

void RunFolder::set_best(int64_t step) const {
  set_link(best(), step);
}

void RunFolder::set_last(int64_t step) const {
  set_link(last(), step);
}

void RunFolder::set_link(const fs::path& link, int64_t step) const {
  // A link cannot be changed, but a new one can replace it atomically.
  const auto fresh = temporary_beside(link);
  std::error_code code;
  fs::create_directory_symlink(fs::path("checkpoints") / checkpoint(step).filename(), fresh, code);
  if (!code) fs::rename(fresh, link, code);
  if (code) fail_system(link.string(), "cannot be set", code.value());
}

void RunFolder::prune(int64_t keep, int64_t newest) const {
  remove_leftovers(best());
  remove_leftovers(last());
  auto finished = steps();
  std::erase_if(finished, [newest](int64_t step) { return step > newest; });
  const auto best = best_step();
  const auto last = finished.end() - std::min<std::ptrdiff_t>(keep, std::ssize(finished));
  std::error_code code;  // a failed removal only takes space and must not end the run
  for (auto step = finished.begin(); step != last; ++step) {
    if (*step != best) fs::remove_all(checkpoint(*step), code);
  }
  for (const auto& path : folder_entries(checkpoints())) {
    if (is_left_over(path)) fs::remove_all(path, code);
  }
}

}  // namespace ccexpert::train
