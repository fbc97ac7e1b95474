// A user's own images: a before folder and an after folder, paired by file name.
#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/json_list.h"
#include "data/shared/csv.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using data::CsvRow;

constexpr const char* kCsv = "captions.csv";

struct FolderNames {
  std::string before;
  std::string after;
  std::string mask = {};  ///< empty: none
};

/// Finds the two folders by common names.
std::optional<FolderNames> names_in(const fs::path& folder) {
  constexpr std::array<std::array<const char*, 2>, 8> kNames{{{"before", "after"},
                                                              {"A", "B"},
                                                              {"pre", "post"},
                                                              {"im1", "im2"},
                                                              {"t1", "t2"},
                                                              {"T1", "T2"},
                                                              {"time1", "time2"},
                                                              {"image1", "image2"}}};
  for (const auto& [before, after] : kNames) {
    if (!has(folder, before) || !has(folder, after)) continue;
    for (const auto* mask : {"mask", "masks", "label"}) {
      if (has(folder, mask)) return FolderNames{before, after, mask};
    }
    return FolderNames{before, after};
  }
  return std::nullopt;
}

/// Pair of folders; `within` is their path in the input, with its slash.
struct Part {
  std::string split;
  std::string within;
  FolderNames names;
};

std::vector<Part> parts_of(const ConvertOptions& options) {
  const auto& input = options.input;
  if (options.before_folder.empty() != options.after_folder.empty()) {
    fail_expected(
        {"before and after folders", "both", options.before_folder.empty() ? "after alone" : "before alone"});
  }
  if (!options.before_folder.empty()) return {{"train", "", {options.before_folder, options.after_folder}}};
  if (const auto names = names_in(input)) return {{"train", "", *names}};
  std::vector<Part> parts;
  for (const auto* split : {"train", "val", "test"}) {
    if (const auto names = names_in(input / split))
      parts.push_back({split, std::string(split) + "/", *names});
  }
  if (parts.empty())
    fail_expected(
        {input.string(), "folders before and after", "none", "name them with --before and --after"});
  return parts;
}

/// Returns the uid, prefixed with the split if each split has its own folders, because names may repeat.
std::string uid_of(const Part& part, const std::string& name) {
  return part.within.empty() || name.starts_with(part.split) ? name : part.split + "_" + name;
}

Entry pair_of(const Part& part, const std::string& name) {
  Entry entry{.split = part.split, .uid = uid_of(part, name), .may_lack_captions = true};
  entry.before = part.within + part.names.before + "/" + name;
  entry.after = part.within + part.names.after + "/" + name;
  if (!part.names.mask.empty()) entry.mask = part.within + part.names.mask + "/" + name;
  return entry;
}

void read_without_captions(Sink& sink, const Part& part) {
  const auto folder = sink.input() / part.within;
  const auto names = images_in(folder / part.names.before);
  for (const auto& name : names) {
    sink.add((folder / part.names.before / name).string(), [&] { return pair_of(part, name); });
  }
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& name : images_in(folder / part.names.after)) {
    if (known.contains(name)) continue;
    const auto before = (folder / part.names.before / name).string(),
               after = (folder / part.names.after / name).string();
    sink.refuse(before, fmt::format("expected an image file, got none, although {} exists", after));
  }
}

/// Columns of the caption CSV.
struct Columns {
  size_t count = 0;
  size_t name = 0;
  size_t caption = 0;
  std::optional<size_t> split = {};
  std::optional<size_t> flag = {};
};

std::optional<size_t> column(const CsvRow& header, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<size_t>(found - header.begin());
  }
  return std::nullopt;
}

Columns columns_of(const CsvRow& header, const std::string& source) {
  const auto name = column(header, {"name", "filename", "file"}),
             caption = column(header, {"caption", "text"});
  if (!name || !caption) {
    fail_expected({source, "a header line with the columns name and caption",
                   fmt::format("'{:.60}'", fmt::join(header, ","))});
  }
  return {header.size(), *name, *caption, column(header, {"split"}),
          column(header, {"change_flag", "changeflag"})};
}

const std::string& cell(const CsvRow& row, size_t column) {
  static const std::string none;
  return column < row.size() ? row[column] : none;
}

bool flag_of(const std::string& text) {
  if (const auto flag = flag_of_text(text)) return *flag;
  fail_expected({"change_flag", kFlagForms, fmt::format("'{}'", text)});
}

/// Completes a name without extension to that of an existing image.
std::string file_name(const fs::path& folder, const std::string& name) {
  if (has(folder, name)) return name;
  for (const auto& extension : image_extensions()) {
    if (has(folder, name + extension)) return name + extension;
  }
  return name;
}

std::string file_name(const fs::path& input, const Part& part, const std::string& name) {
  return file_name(input / part.within / part.names.before, name);
}

std::string names_of(const std::vector<const Part*>& parts, std::string_view between) {
  std::vector<std::string> names;
  for (const auto* part : parts) names.push_back(part->split);
  return fmt::format("{}", fmt::join(names, between));
}

/// Returns the folders of a row's split; folders without splits serve every split.
const Part& part_of_split(const std::vector<Part>& parts, const std::string& split) {
  std::vector<const Part*> all;
  for (const auto& part : parts) {
    if (part.within.empty() || part.split == split) return part;
    all.push_back(&part);
  }
  fail_expected({"split", names_of(all, " or "), fmt::format("'{}'", split)});
}

/// Returns the only folders that contain a row's image.
const Part& part_with(const fs::path& input, const std::vector<Part>& parts, const std::string& name) {
  if (parts.size() == 1) return parts.front();
  std::vector<const Part*> found;
  for (const auto& part : parts) {
    if (has(input / part.within / part.names.before, file_name(input, part, name))) found.push_back(&part);
  }
  if (found.empty()) fail_expected({"name", "an image in a before folder", fmt::format("'{}'", name)});
  if (found.size() > 1) {
    fail_expected({"name", "an image of one split", fmt::format("'{}' of {}", name, names_of(found, ", ")),
                   "add a column split to select one"});
  }
  return *found.front();
}

Entry entry_of(const Sink& sink, const std::vector<Part>& parts, const Columns& columns, const CsvRow& row) {
  data::expect_cells(row, columns.count, "cells");
  const auto& name = cell(row, columns.name);
  if (name.empty()) fail_expected({"name", "a file name", "none"});
  std::optional<std::string> split;
  if (columns.split && !cell(row, *columns.split).empty()) split = split_named(cell(row, *columns.split));
  const auto& part = split ? part_of_split(parts, *split) : part_with(sink.input(), parts, name);
  auto entry = pair_of(part, file_name(sink.input(), part, name));
  if (split) entry.split = *split;
  entry.captions = {cell(row, columns.caption)};
  entry.may_lack_captions = false;
  const bool has_flag = columns.flag && !cell(row, *columns.flag).empty();
  if (has_flag) entry.changed = flag_of(cell(row, *columns.flag));
  return entry;
}

void read_with_captions(Sink& sink, const std::vector<Part>& parts, const fs::path& csv) {
  std::optional<Columns> columns;
  data::visit_csv_file(csv, [&](CsvRow&& row, size_t number) {
    if (!columns) {
      columns = columns_of(row, csv.string());
      return;
    }
    sink.add(fmt::format("{}: row {}", csv.string(), number),
             [&] { return entry_of(sink, parts, *columns, row); });
  });
}

/// Throws Error if both are the same folder: its pairs would all be unchanged.
void expect_two_folders(const fs::path& input, const Part& part) {
  const auto before = input / part.within / part.names.before, after = input / part.within / part.names.after;
  std::error_code code;
  if (!fs::equivalent(before, after, code)) return;
  fail_expected({"folders before and after", "two",
                 fmt::format("{} and {}, which are the same", before.string(), after.string())});
}

void read(Sink& sink) {
  const auto parts = parts_of(sink.options());
  for (const auto& part : parts) expect_two_folders(sink.input(), part);
  auto csv = sink.options().captions_csv;
  if (csv.empty() && has(sink.input(), kCsv)) csv = sink.input() / kCsv;
  if (!csv.empty()) return read_with_captions(sink, parts, csv);
  for (const auto& part : parts) read_without_captions(sink, part);
}

bool recognises(const fs::path& folder) {
  return names_in(folder) || names_in(folder / "train") || names_in(folder / "val") ||
         names_in(folder / "test");
}

}  // namespace

Source folders_source() {
  return {"folders", "your own pairs",
          "folders before and after (or A and B, pre and post, im1 and im2), with or without captions.csv",
          recognises, read};
}

}  // namespace ccexpert::datasets
