#include "data/entries.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/change_dataset.h>

namespace ccexpert::data {
namespace {

std::filesystem::path optional_path(const std::optional<std::string>& path,
                                    const std::filesystem::path& root) {
  return path ? located(*path, root) : std::filesystem::path();
}

}  // namespace

std::filesystem::path located(const std::string& path, const std::filesystem::path& root) {
  return (root / path).lexically_normal();
}

PairFiles to_pair(const PairEntry& entry, const std::filesystem::path& root) {
  const auto& before = expect_before(entry);
  const auto& after = expect_after(entry);
  return {entry.uid.value_or(before), located(before, root), located(after, root)};
}

ChangeExample to_example(const UniversalEntry& entry, const std::filesystem::path& root) {
  const auto pair = to_pair(entry, root);
  return {.uid = pair.uid,
          .before = pair.before,
          .after = pair.after,
          .captions = entry.captions,
          .changed = entry.changed,
          .mask = optional_path(entry.mask, root),
          .classes_before = optional_path(entry.classes_before, root),
          .classes_after = optional_path(entry.classes_after, root)};
}

bool UidIndex::add(const PairFiles& pair, const std::string& where) {
  const auto [known, is_new] = pairs_.emplace(pair.uid, pair);
  if (!is_new && known->second != pair) {
    fail(where, fmt::format("uid '{}' already names other images", pair.uid), "give every pair its own uid");
  }
  return is_new;
}

}  // namespace ccexpert::data
