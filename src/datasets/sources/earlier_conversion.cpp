#include "datasets/sources/earlier_conversion.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/json.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_ours(const json& description) {
  return description.is_object() && description.value("made_by", json()) == kMadeBy;
}

}  // namespace

EarlierConversion::EarlierConversion(const fs::path& folder) : folder_(folder) {
  const auto file = folder / kDescription;
  if (!is_there(file)) return;
  const auto parsed = try_parse_json(read_file(file));
  if (!parsed || !is_ours(*parsed)) {
    fail_expected(
        {file.string(), "a description of an earlier conversion", "another file", "choose another folder"});
  }
  const auto& description = *parsed;
  if (!description.contains("files")) add_names_by_split(description);
  for (const auto& name : description.value("files", json::array())) {
    if (name.is_string()) names_.insert(name.get<std::string>());
  }
}

/// Descriptions of older versions do not list the files.
void EarlierConversion::add_names_by_split(const json& description) {
  const auto splits = description.value("splits", json::object());
  for (const auto& [split, counts] : splits.items()) {
    names_.insert({split + ".json", split + ".jsonl"});
  }
  names_.insert({"left-out.jsonl", "crops", "maps"});
}

void EarlierConversion::expect_own(const std::string& name, std::string_view what) const {
  std::error_code code;
  if (wrote(name) || !fs::exists(fs::symlink_status(folder_ / name, code))) return;
  fail_expected({(folder_ / name).string(), fmt::format("{} written by an earlier conversion", what),
                 fmt::format("one not listed in {}", kDescription),
                 "choose another folder, or move it away"});
}

void EarlierConversion::remove(const std::string& name) const {
  if (!wrote(name)) return;
  std::error_code code;
  fs::remove_all(folder_ / name, code);
  if (code) fail_system((folder_ / name).string(), "cannot be removed", code.value());
}

}  // namespace ccexpert::datasets
