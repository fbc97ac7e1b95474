#include "datasets/sources/source.h"

#include <algorithm>
#include <cctype>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

#include "core/file_names.h"
#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/text_decoder.h"
namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Compares numbers by value: "frame9" comes before "frame10".
bool by_number(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    size_t m = i, n = j;
    while (m < a.size() && is_digit(a[m])) ++m;
    while (n < b.size() && is_digit(b[n])) ++n;
    if (m - i != n - j) return m - i < n - j;
    const int order = a.compare(i, m - i, b, j, n - j);
    if (order != 0) return order < 0;
    i = m;
    j = n;
  }
  const size_t left = a.size() - i, other = b.size() - j;
  return left != other ? left < other : a < b;
}

}  // namespace

const std::vector<Source>& all_sources() {
  static const std::vector<Source> all{
      levir_mci_source(), levir_cc_source(),     second_cc_source(),     whu_cdc_source(),
      dubai_cc_source(),  clevr_change_source(), spot_the_diff_source(), changesim_source(),
      sysu_cd_source(),   second_source(),       levir_cd_source(),      image_editing_request_source(),
      stvchrono_source(), vismin_source(),       changechat_source(),    rscc_source(),
      folders_source()};
  return all;
}

const Source& source_named(const std::string& name) {
  std::vector<std::string> names{"auto"};
  for (const auto& source : all_sources()) {
    if (name == source.name) return source;
    names.emplace_back(source.name);
  }
  const auto nearest = nearest_name(name, names);
  fail_expected({"source", fmt::format("{}", fmt::join(names, ", ")), fmt::format("'{}'", name),
                 nearest.empty() ? "" : "did you mean " + nearest + "?"});
}

std::vector<SourceInfo> sources() {
  std::vector<SourceInfo> infos;
  for (const auto& source : all_sources()) infos.push_back({source.name, source.title, source.layout});
  return infos;
}

std::string recognise_source(const fs::path& folder) try {
  if (!is_folder(folder)) fail_expected({folder.string(), "a folder", "none"});
  std::vector<std::string> names;
  for (const auto& source : all_sources()) {
    if (source.recognises(folder)) return source.name;
    names.emplace_back(source.name);
  }
  fail_expected({folder.string(), "the folder of a known data set", "another layout",
                 fmt::format("known are {}; ccexpert-data convert --list shows their layouts",
                             fmt::join(names, ", "))});
} catch (...) {
  rethrow_as_error();
}

bool has(const fs::path& folder, std::string_view path) {
  return is_there(folder / path);
}

bool has_in_a_split(const fs::path& folder, std::string_view path) {
  return has(folder / "train", path) || has(folder / "val", path) || has(folder / "test", path);
}

std::vector<std::string> files_in(const fs::path& folder, const std::vector<std::string>& extensions) {
  std::error_code ignored;
  std::vector<std::string> names;
  for (const auto& file : folder_entries(folder)) {
    const bool wanted =
        std::find(extensions.begin(), extensions.end(), lower_extension(file)) != extensions.end();
    // A dangling link is included, so that reading it reports the error.
    const bool dangling = fs::is_symlink(file, ignored) && !fs::exists(file, ignored);
    if (wanted && !is_hidden(file) && (dangling || fs::is_regular_file(file, ignored)))
      names.push_back(file.filename().string());
  }
  std::sort(names.begin(), names.end(), by_number);
  return names;
}

std::vector<std::string> images_in(const fs::path& folder) {
  return files_in(folder, image_extensions());
}

std::vector<std::string> images_in_any(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    const auto more = images_in(folder);
    names.insert(names.end(), more.begin(), more.end());
  }
  std::sort(names.begin(), names.end(), by_number);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string stem_of(std::string_view path) {
  return fs::path(path).stem().string();
}

std::string uid_in_split(const std::string& split, std::string_view image) {
  const auto stem = stem_of(image);
  return stem.starts_with(split) ? stem : split + "_" + stem;
}

std::string beginning_of(const fs::path& file) {
  std::vector<char> bytes(size_t{1} << 16);
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return {bytes.data(), static_cast<size_t>(stream.gcount())};
}

std::string beginning_of_text(const fs::path& file) {
  auto bytes = beginning_of(file);
  try {
    return TextDecoder(file.string()).decode(bytes, false);
  } catch (const Error&) {
    return bytes;  // what is wrong with a list, its reader says
  }
}

std::vector<std::string> lists_with(const fs::path& folder, const std::vector<std::string_view>& words) {
  if (!is_folder(folder)) return {};
  auto names = files_in(folder, {".json", ".jsonl"});
  std::erase_if(names, [&](const std::string& name) {
    const auto text = beginning_of_text(folder / name);
    return !std::all_of(words.begin(), words.end(), [&](std::string_view word) {
      return text.find(fmt::format("\"{}\"", word)) != std::string::npos;
    });
  });
  return names;
}

}  // namespace ccexpert::datasets
