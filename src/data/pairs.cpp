#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/pairs.h>

#include "core/files.h"
#include "core/json.h"
#include "data/csv.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// An entry as its list has it, with where it stands, for messages.
struct RawEntry {
  std::string where;
  std::optional<std::string> uid, before, after;
};

constexpr std::array<const char*, 2> kBeforeKeys{"before", "img1_path"};
constexpr std::array<const char*, 2> kAfterKeys{"after", "img2_path"};

std::optional<std::string> text_of(const json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer() && key == std::string_view("uid")) return found->dump();
  fail({where + ": " + key, "a string", found->dump().substr(0, 60)});
}

template <class Keys>
std::optional<std::string> first_of(const json& entry, const Keys& keys, const std::string& where) {
  for (const char* key : keys) {
    if (auto text = text_of(entry, key, where)) return text;
  }
  return std::nullopt;
}

RawEntry raw_entry(const json& entry, std::string where) {
  if (!entry.is_object()) fail({where, "an object with before and after", entry.dump().substr(0, 60)});
  RawEntry raw{.where = where, .uid = text_of(entry, "uid", where), .before = {}, .after = {}};
  raw.before = first_of(entry, kBeforeKeys, where);
  raw.after = first_of(entry, kAfterKeys, where);
  return raw;
}

std::vector<RawEntry> from_array(const json& array, const std::string& source) {
  std::vector<RawEntry> entries;
  for (size_t i = 0; i < array.size(); ++i) {
    entries.push_back(raw_entry(array[i], fmt::format("{}: entry {}", source, i + 1)));
  }
  return entries;
}

std::vector<RawEntry> from_lines(std::string_view text, const std::string& source) {
  std::vector<RawEntry> entries;
  for (size_t number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = fmt::format("{}: line {}", source, number);
    entries.push_back(raw_entry(parse_json(line, where), where));
  }
  return entries;
}

std::optional<size_t> column(const CsvRow& header, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<size_t>(found - header.begin());
  }
  return std::nullopt;
}

std::vector<RawEntry> from_csv(std::string_view text, const std::string& source) {
  const auto rows = parse_csv(text, source);
  const CsvRow header = rows.empty() ? CsvRow{} : rows.front();
  const auto uid = column(header, {"uid"});
  const auto before = column(header, {"before", "img1_path"});
  const auto after = column(header, {"after", "img2_path"});
  if (!before || !after) {
    fail({source, "JSON, JSON Lines, or CSV with a header line that names before and after",
          header.empty() ? "nothing" : fmt::format("'{:.60}'", fmt::join(header, ","))});
  }
  std::vector<RawEntry> entries;
  for (size_t i = 1; i < rows.size(); ++i) {
    const auto cell = [&](std::optional<size_t> at) -> std::optional<std::string> {
      if (!at || *at >= rows[i].size() || rows[i][*at].empty()) return std::nullopt;
      return rows[i][*at];
    };
    entries.push_back({fmt::format("{}: row {}", source, i + 1), cell(uid), cell(before), cell(after)});
  }
  return entries;
}

/// An object that is the whole file is one entry; an object that ends before the file does is the first of
/// many lines.
std::vector<RawEntry> parse_list(std::string_view text, const std::string& source) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '[')
    return from_array(parse_json(text, source), source);
  if (first != std::string_view::npos && text[first] == '{') return from_lines(text, source);
  return from_csv(text, source);
}

fs::path located(const std::string& path, const fs::path& root) {
  return (root / path).lexically_normal();
}

PairFiles to_pair(const RawEntry& entry, const fs::path& root) {
  if (!entry.before) fail({entry.where, "a path 'before' (or 'img1_path')", "none"});
  if (!entry.after) fail({entry.where, "a path 'after' (or 'img2_path')", "none"});
  return {entry.uid.value_or(*entry.before), located(*entry.before, root), located(*entry.after, root)};
}

std::map<std::string, fs::path> images_in(const fs::path& folder) {
  constexpr std::array kExtensions{".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"};
  std::error_code error;
  std::map<std::string, fs::path> images;
  fs::directory_iterator files(folder, error);
  if (error) fail(folder.string(), "folder cannot be read", error.message());
  for (const auto& file : files) {
    std::string extension = file.path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool is_image = std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
    if (is_image && file.is_regular_file(error)) images.emplace(file.path().filename().string(), file.path());
  }
  return images;
}

}  // namespace

std::vector<PairFiles> read_pair_list(const fs::path& list, const fs::path& image_root) {
  const std::string text = read_file(list);
  const fs::path root = image_root.empty() ? list.parent_path() : image_root;
  std::vector<PairFiles> pairs;
  std::unordered_map<std::string, size_t> by_uid;
  for (const auto& entry : parse_list(text, list.string())) {
    auto pair = to_pair(entry, root);
    const auto [known, is_new] = by_uid.emplace(pair.uid, pairs.size());
    if (is_new) {
      pairs.push_back(std::move(pair));
    } else if (pairs[known->second] != pair) {
      fail(entry.where, fmt::format("uid '{}' already stands for other images", pair.uid),
           "give every pair its own uid");
    }
  }
  if (pairs.empty()) fail({list.string(), "at least one pair", "none"});
  return pairs;
}

PairedFolders pair_folders(const fs::path& before, const fs::path& after) {
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
    fail({fmt::format("{} and {}", before.string(), after.string()), "images with the same file names",
          fmt::format("{} and {} images, none paired", first.size(), second.size())});
  }
  return result;
}

}  // namespace ccexpert::data
