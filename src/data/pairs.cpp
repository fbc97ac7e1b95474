#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/pairs.h>

#include "core/file_names.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/json_list.h"
#include "core/text_file.h"
#include "data/entries.h"
#include "data/shared/csv.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;

template <class Names>
std::optional<size_t> column(const CsvRow& header, const Names& names) {
  for (const std::string_view name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<size_t>(found - header.begin());
  }
  return std::nullopt;
}

/// Columns of a CSV of pairs.
struct Columns {
  size_t count = 0;
  std::optional<size_t> uid, before, after;
};

[[noreturn]] void refuse_header(const CsvRow& header, const std::string& source) {
  fail_expected({source, "JSON, JSON Lines, or CSV with a header line that names before and after",
                 header.empty() ? "nothing" : fmt::format("'{:.60}'", fmt::join(header, ","))});
}

Columns columns_of(const CsvRow& header, const std::string& source) {
  const Columns columns{header.size(), column(header, std::array{"uid"}), column(header, kBeforeKeys),
                        column(header, kAfterKeys)};
  if (!columns.before || !columns.after) refuse_header(header, source);
  return columns;
}

std::optional<std::string> cell(const CsvRow& row, std::optional<size_t> at) {
  if (!at || *at >= row.size() || row[*at].empty()) return std::nullopt;
  return row[*at];
}

std::vector<PairEntry> from_csv(std::string_view text, const std::string& source) {
  std::optional<Columns> columns;
  std::vector<PairEntry> entries;
  visit_csv(text, source, [&](CsvRow&& row, size_t number) {
    if (!columns) {
      columns = columns_of(row, source);
      return;
    }
    const auto where = fmt::format("{}: row {}", source, number);
    expect_cells(row, columns->count, where + ": cells");
    entries.push_back(
        {where, cell(row, columns->uid), cell(row, columns->before), cell(row, columns->after)});
  });
  if (!columns) refuse_header({}, source);
  return entries;
}

std::vector<PairEntry> parse_list(std::string_view text, const std::string& source) {
  if (!is_json_list(text)) return from_csv(text, source);
  std::vector<PairEntry> entries;
  visit_entries(text, source, [&](const nlohmann::json& entry, const std::string& where) {
    entries.push_back(read_pair_entry(entry, where));
  });
  return entries;
}

std::map<std::string, fs::path> images_in(const fs::path& folder) {
  std::error_code ignored;
  std::map<std::string, fs::path> images;
  for (const auto& file : folder_entries(folder)) {
    if (has_image_extension(file) && !is_hidden(file) && fs::is_regular_file(file, ignored))
      images.emplace(file.filename().string(), file);
  }
  return images;
}

}  // namespace

std::vector<PairFiles> read_pair_list(const fs::path& list, const fs::path& image_root) try {
  const std::string text = read_text_file(list);
  const fs::path root = image_root.empty() ? folder_of_list(list) : image_root;
  std::vector<PairFiles> pairs;
  UidIndex uids;
  for (const auto& entry : parse_list(text, list.string())) {
    auto pair = to_pair(entry, root);
    if (uids.add(pair, entry.where)) pairs.push_back(std::move(pair));
  }
  if (pairs.empty()) fail_expected({list.string(), "at least one pair", "none"});
  return pairs;
} catch (...) {
  rethrow_as_error();
}

PairedFolders pair_folders(const fs::path& before, const fs::path& after) try {
  const auto first = images_in(before);
  const auto second = images_in(after);
  PairedFolders result;
  for (const auto& [name, path] : first) {
    const auto other = second.find(name);
    if (other == second.end()) {
      result.unmatched.push_back(path);
    } else {
      result.pairs.push_back({name, path, other->second});
    }
  }
  for (const auto& [name, path] : second) {
    if (!first.contains(name)) result.unmatched.push_back(path);
  }
  if (result.pairs.empty()) {
    fail_expected({fmt::format("{} and {}", before.string(), after.string()),
                   "images with the same file names",
                   fmt::format("{} and {} images, none paired", first.size(), second.size())});
  }
  return result;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::data
