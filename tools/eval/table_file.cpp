#include "eval/table_file.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/json.h"
#include "core/yaml.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSeedPrefix = "seed-";

std::optional<int64_t> seed_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  if (!name.starts_with(kSeedPrefix)) return std::nullopt;
  int64_t seed = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kSeedPrefix.size(), end, seed);
  return error == std::errc() && stop == end ? std::optional(seed) : std::nullopt;
}

/// Returns the captions of a stage in a run's folder; the folder itself has those of the last stage.
fs::path captions_of(const fs::path& run, const std::string& stage) {
  constexpr const char* kFile = "captions.jsonl";
  const auto record = run / "run.json";
  if (stage.empty() || !is_there(record)) return run / stage / kFile;
  const auto source = record.string();
  const auto last = json_value(parse_json(read_file(record), source), "last_stage", std::string(), source);
  return (stage == last ? run : run / stage) / kFile;
}

/// Returns the captions of a sweep's row that exist, by seed.
std::vector<SeedFile> sweep_files(const fs::path& sweep, const TableRow& row) {
  std::vector<std::pair<int64_t, SeedFile>> found;
  const auto folder = sweep / row.sweep;
  if (!is_folder(folder)) return {};
  for (const auto& entry : folder_entries(folder)) {
    const auto seed = seed_of(entry);
    if (!seed) continue;
    const auto file = captions_of(entry, row.stage);
    if (is_there(file)) found.push_back({*seed, {std::to_string(*seed), file}});
  }
  std::ranges::sort(found, {}, [](const auto& each) { return each.first; });
  std::vector<SeedFile> files;
  for (auto& [seed, file] : found) files.push_back(std::move(file));
  return files;
}

std::vector<SeedFile> listed_files(const std::vector<std::string>& predictions) {
  std::vector<SeedFile> files;
  for (const auto& file : predictions) files.push_back({std::to_string(files.size() + 1), file});
  return files;
}

Published read_published(const fs::path& file) {
  const auto document = read_yaml_file(file);
  Published published;
  read_yaml(document.root, published, document.source);
  std::set<std::string> names;
  for (size_t i = 0; i < published.rows.size(); ++i) {
    const auto& row = published.rows[i];
    const auto place = [&](const char* key) {
      return yaml_place_of(document, fmt::format("rows[{}].{}", i, key));
    };
    if (row.row.empty() || !names.insert(row.row).second)
      fail_expected({place("row"), "a different name for each row", "'" + row.row + "'"});
    if (row.source.empty() || row.table.empty())
      fail_expected(
          {place(row.source.empty() ? "source" : "table"), "where the scores were published", "none"});
  }
  return published;
}

/// Checks of a row, with the place of a key for messages.
class RowCheck {
 public:
  RowCheck(const YamlDocument& document, size_t index) : document_(document), index_(index) {}

  void expect(bool holds, const char* key, std::string_view expected, const std::string& got) const {
    if (!holds)
      fail_expected({yaml_place_of(document_, fmt::format("rows[{}].{}", index_, key)), expected, got});
  }

 private:
  const YamlDocument& document_;
  size_t index_;
};

void check_row(const TableFile& table, const TableRow& row, const RowCheck& check) {
  check.expect(!row.name.empty(), "name", "a name", "none");
  check.expect(row.predictions.empty() || row.sweep.empty(), "predictions", "none, as `sweep` is set",
               "some");
  check.expect(row.sweep.empty() || !table.sweep.empty(), "sweep",
               "the folder of a sweep as `sweep` of the table", "none");
  check.expect(row.stage.empty() || !row.sweep.empty(), "stage", "a row of `sweep`", "none");
  check.expect(row.published.empty() || !table.published.empty(), "published",
               "a file of published scores as `published` of the table", "none");
}

std::optional<PublishedRow> published_row(const Published& published, const TableRow& row,
                                          const RowCheck& check) {
  if (row.published.empty()) return std::nullopt;
  const auto found = std::ranges::find(published.rows, row.published, &PublishedRow::row);
  check.expect(found != published.rows.end(), "published", "a row of the published scores",
               "'" + row.published + "'");
  return *found;
}

}  // namespace

std::optional<double> PublishedScores::of(const std::string& column) const {
  std::optional<double> score;
  for_each_field<PublishedScores>([&](const auto& each) {
    if (column == each.name) score = this->*each.member;
  });
  return score;
}

TableSource read_table(const fs::path& file) {
  const auto document = read_yaml_file(file);
  TableSource source;
  auto& table = source.table;
  read_yaml(document.root, table, document.source);
  if (table.rows.empty()) fail_expected({yaml_place_of(document, "rows"), "at least one row", "none"});
  const auto published =
      table.published.empty() ? Published{} : read_published(file.parent_path() / table.published);
  std::set<std::string> names;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto& row = table.rows[i];
    const RowCheck check(document, i);
    check_row(table, row, check);
    check.expect(names.insert(row.name).second, "name", "a different name for each row",
                 "'" + row.name + "'");
    source.rows.push_back(
        {.name = row.name,
         .expected = !row.predictions.empty() || !row.sweep.empty(),
         .files = row.sweep.empty() ? listed_files(row.predictions) : sweep_files(table.sweep, row),
         .published = published_row(published, row, check)});
  }
  const auto is_baseline = [&](const RowSource& row) { return row.name == table.baseline; };
  if (!table.baseline.empty() && std::ranges::none_of(source.rows, is_baseline))
    fail_expected({yaml_place_of(document, "baseline"), "the name of a row", "'" + table.baseline + "'"});
  return source;
}

}  // namespace ccexpert::tools
