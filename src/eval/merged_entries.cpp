#include "eval/merged_entries.h"

#include <algorithm>
#include <unordered_map>

namespace ccexpert::eval {
namespace {

/// Returns true if anything was added.
bool add(CaptionEntry& entry, const CaptionEntry& more, bool is_line_by_line) {
  if (!is_line_by_line) return add_missing(entry.references, more.references);
  entry.references.push_back(more.references.front());
  return true;
}

}  // namespace

bool add_missing(std::vector<std::string>& references, const std::vector<std::string>& more) {
  const size_t before = references.size();
  for (const auto& reference : more) {
    if (std::find(references.begin(), references.end(), reference) == references.end())
      references.push_back(reference);
  }
  return references.size() > before;
}

std::vector<CaptionEntry> merged_entries(std::vector<CaptionEntry> entries) {
  const bool is_line_by_line = std::all_of(
      entries.begin(), entries.end(), [](const CaptionEntry& entry) { return entry.references.size() == 1; });
  std::vector<CaptionEntry> merged;
  std::unordered_map<std::string, size_t> places;
  for (auto& entry : entries) {
    const auto [known, is_new] = places.emplace(entry.uid, merged.size());
    if (is_new) {
      merged.push_back(std::move(entry));
      continue;
    }
    auto& first = merged[known->second];
    if (add(first, entry, is_line_by_line)) ++first.merged;
    if (!first.changed) first.changed = entry.changed;
  }
  return merged;
}

}  // namespace ccexpert::eval
