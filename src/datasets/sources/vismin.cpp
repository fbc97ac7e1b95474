// VisMin: captioned images, each with minimally different images and their captions.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "data/shared/csv.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"
#include "datasets/sources/word_change.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using data::CsvRow;
using nlohmann::json;

struct Described {
  std::string path;
  std::string caption;
};

/// Makes an entry. The set has two descriptions but no captions of the change, so these are written here.
Entry entry_of(const Described& before, const Described& after, const std::string& split) {
  Entry entry{.split = split, .changed = true, .captions_by = caption_source::kTemplate};
  entry.uid = fmt::format("{}-{}", fs::path(before.path).replace_extension().string(), stem_of(after.path));
  entry.before = before.path;
  entry.after = after.path;
  entry.captions = sentences_of_change(before.caption, after.caption);
  if (entry.captions.empty()) {
    fail_expected({"edited_caption", "a text other than caption", fmt::format("'{:.60}'", after.caption)});
  }
  entry.facts = {"before: " + before.caption, "after: " + after.caption};
  return entry;
}

void read_array(Sink& sink, const std::string& list) {
  visit_elements(sink.input() / list, {}, [&](json& row, const std::string& where) {
    try {
      const Described before{text_field(row, "image_path"), text_field(row, "caption")};
      size_t number = 0;
      for (const auto& negative : list_field(row, "negatives")) {
        sink.add(fmt::format("{}: negatives[{}]", where, number++), [&] {
          return entry_of(before,
                          {text_field(negative, "edited_image_path"), text_field(negative, "edited_caption")},
                          split_in_name(list));
        });
      }
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      sink.refuse(where, error.what());
    }
  });
}

/// Columns of the benchmark's CSV, in this order.
constexpr std::array<std::string_view, 4> kColumns{"image_path", "caption", "edited_image_path",
                                                   "edited_caption"};

std::array<size_t, 4> columns_of(const CsvRow& header, const std::string& source) {
  std::array<size_t, 4> places{};
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const auto found = std::find(header.begin(), header.end(), kColumns[i]);
    if (found == header.end()) {
      fail_expected({source, fmt::format("a header line with the columns {}", fmt::join(kColumns, ", ")),
                     fmt::format("'{:.60}'", fmt::join(header, ","))});
    }
    places[i] = static_cast<size_t>(found - header.begin());
  }
  return places;
}

void read_csv(Sink& sink, const std::string& list) {
  const auto file = sink.input() / list;
  std::optional<std::array<size_t, 4>> columns;
  size_t width = 0;
  data::visit_csv_file(file, [&](CsvRow&& row, size_t number) {
    if (!columns) {
      columns = columns_of(row, file.string());
      width = row.size();
      return;
    }
    sink.add(fmt::format("{}: row {}", file.string(), number), [&] {
      data::expect_cells(row, width, "cells");
      const auto cell = [&](size_t i) {
        const auto at = (*columns)[i];
        if (at >= row.size() || row[at].empty()) fail_expected({kColumns[i], "a text", "none"});
        return row[at];
      };
      return entry_of({cell(0), cell(1)}, {cell(2), cell(3)}, "test");
    });
  });
}

std::vector<std::string> tables_in(const fs::path& folder) {
  auto tables = files_in(folder, {".csv"});
  std::erase_if(tables, [&](const std::string& name) {
    return beginning_of_text(folder / name).find("edited_image_path") == std::string::npos;
  });
  return tables;
}

void read(Sink& sink) {
  for (const auto& list : lists_with(sink.input(), {"image_path", "negatives"})) read_array(sink, list);
  for (const auto& table : tables_in(sink.input())) read_csv(sink, table);
}

}  // namespace

Source vismin_source() {
  return {"vismin", "VisMin", "JSON with image_path, caption and negatives, or CSV with edited_image_path",
          [](const fs::path& folder) {
            return !lists_with(folder, {"image_path", "negatives"}).empty() || !tables_in(folder).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
