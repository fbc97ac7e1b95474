// One's own images: a folder of those before and one of those after, paired by file name.
#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "data/csv.h"
#include "datasets/source.h"

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

/// The two folders by the names that people give them.
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

/// One place with a pair of folders; `within` the input, with its slash.
struct Part {
  std::string split;
  std::string within;
  FolderNames names;
};

std::vector<Part> parts_of(const ConvertOptions& options) {
  const auto& input = options.input;
  if (options.before_folder.empty() != options.after_folder.empty()) {
    fail(
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
    fail({input.string(), "folders before and after", "none", "name them with --before and --after"});
  return parts;
}

Entry pair_of(const Part& part, const std::string& name) {
  Entry entry{.split = part.split, .uid = name, .may_lack_captions = true};
  entry.before = part.within + part.names.before + "/" + name;
  entry.after = part.within + part.names.after + "/" + name;
  return entry;
}

void read_without_captions(Sink& sink, const Part& part) {
  const auto folder = sink.input() / part.within;
  for (const auto& name : images_in(folder / part.names.before)) {
    sink.add((folder / part.names.before / name).string(), [&] {
      auto entry = pair_of(part, name);
      if (!part.names.mask.empty()) entry.mask = part.within + part.names.mask + "/" + name;
      return entry;
    });
  }
}

/// Columns of the CSV of captions.
struct Columns {
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
    fail({source, "a header line that names name and caption",
          fmt::format("'{:.60}'", fmt::join(header, ","))});
  }
  return {*name, *caption, column(header, {"split"}), column(header, {"change_flag", "changeflag"})};
}

const std::string& cell(const CsvRow& row, size_t column) {
  static const std::string none;
  return column < row.size() ? row[column] : none;
}

bool flag_of(const std::string& text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  fail({"change_flag", "0, 1, true or false", fmt::format("'{}'", text)});
}

/// The part that a row's image is in: that of its split, or the first that has it.
const Part& part_of(const fs::path& input, const std::vector<Part>& parts, const std::string& name) {
  for (const auto& part : parts) {
    if (parts.size() == 1 || has(input / part.within / part.names.before, name)) return part;
  }
  fail({"name", "an image that is in a folder of images before", fmt::format("'{}'", name)});
}

/// A name without its extension means the image that has it.
std::string file_name(const fs::path& folder, const std::string& name) {
  if (has(folder, name)) return name;
  for (const auto* extension : {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}) {
    if (has(folder, name + extension)) return name + extension;
  }
  return name;
}

Entry entry_of(const Sink& sink, const std::vector<Part>& parts, const Columns& columns, const CsvRow& row) {
  const auto& name = cell(row, columns.name);
  if (name.empty()) fail({"name", "a file name", "none"});
  const auto& part = part_of(sink.input(), parts, name);
  auto entry = pair_of(part, file_name(sink.input() / part.within / part.names.before, name));
  if (!part.names.mask.empty()) entry.mask = part.within + part.names.mask + "/" + entry.uid;
  entry.captions = {cell(row, columns.caption)};
  entry.may_lack_captions = false;
  if (columns.split && !cell(row, *columns.split).empty())
    entry.split = split_named(cell(row, *columns.split));
  const bool has_flag = columns.flag && !cell(row, *columns.flag).empty();
  entry.changed = has_flag ? flag_of(cell(row, *columns.flag)) : changed_by(entry.captions);
  return entry;
}

void read_with_captions(Sink& sink, const std::vector<Part>& parts, const fs::path& csv) {
  std::ifstream stream(csv, std::ios::binary);
  if (!stream) fail(csv.string(), "cannot be opened");
  std::optional<Columns> columns;
  data::visit_csv(stream, csv.string(), [&](CsvRow&& row, size_t number) {
    if (!columns) {
      columns = columns_of(row, csv.string());
      return;
    }
    sink.add(fmt::format("{}: row {}", csv.string(), number),
             [&] { return entry_of(sink, parts, *columns, row); });
  });
}

void read(Sink& sink) {
  const auto parts = parts_of(sink.options());
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
