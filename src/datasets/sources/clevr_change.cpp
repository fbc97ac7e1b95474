// CLEVR-Change: rendered scenes, each with a changed version and one with only another viewpoint.
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Converts "CLEVR_default_000012.png" to 12.
int64_t number_of(const std::string& name) {
  const auto stem = stem_of(name);
  const auto digits = stem.substr(stem.find_last_of('_') + 1);
  int64_t number = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (problem != std::errc() || end != digits.data() + digits.size() || number < 0) {
    fail_expected({"image name", "CLEVR_default_NUMBER.png", fmt::format("'{}'", name)});
  }
  return number;
}

/// Maps numbers of scenes to the name of the list that contains them.
std::unordered_map<int64_t, std::string> numbers_in(const fs::path& file) {
  std::unordered_map<int64_t, std::string> names;
  visit_members(file, [&](const std::string& name, json& numbers) {
    if (!numbers.is_array())
      fail_expected({file.string() + ": " + name, "a list of numbers", numbers.type_name()});
    for (const auto& number : numbers) {
      if (!number.is_number_integer())
        fail_expected({file.string() + ": " + name, "a list of numbers", number.dump()});
      names[number.get<int64_t>()] = name;
    }
  });
  return names;
}

/// Tables that are read before the captions.
struct Tables {
  std::unordered_map<int64_t, std::string> splits;
  std::unordered_map<int64_t, std::string> types;
};

/// One of the two caption files.
struct Half {
  const char* list;
  const char* kind;    ///< part of the second image's name
  const char* folder;  ///< folder of the second image
  bool changed;
};

Entry entry_of(const std::string& name, const json& captions, const Half& half, const Tables& tables) {
  const auto number = number_of(name);
  const auto split = tables.splits.find(number);
  if (split == tables.splits.end())
    fail_expected({"image name", "a number listed in splits.json", fmt::format("'{}'", name)});
  const auto digits = stem_of(name).substr(stem_of(name).find_last_of('_') + 1);
  Entry entry{.split = split_named(split->second), .uid = fmt::format("CLEVR_{}_{}", half.kind, digits)};
  entry.changed = half.changed;
  entry.before = "images/" + name;
  entry.after =
      fmt::format("{}/CLEVR_{}_{}{}", half.folder, half.kind, digits, fs::path(name).extension().string());
  entry.captions = texts_field({{"captions", captions}}, "captions");
  const auto type = tables.types.find(number);
  if (half.changed && type != tables.types.end()) entry.facts = {"kind of change: " + type->second};
  return entry;
}

void read_half(Sink& sink, const Half& half, const Tables& tables) {
  const auto file = sink.input() / half.list;
  const bool in_data = has(sink.input(), "data/images");
  visit_members(file, [&](const std::string& name, json& captions) {
    sink.add(fmt::format("{}: entry '{}'", file.string(), name), [&] {
      auto entry = entry_of(name, captions, half, tables);
      if (!in_data) return entry;
      entry.before.insert(0, "data/");
      entry.after.insert(0, "data/");
      return entry;
    });
  });
}

void read(Sink& sink) {
  const auto& lists = sink.input();
  Tables tables{.splits = numbers_in(lists / "splits.json"), .types = {}};
  if (has(lists, "type_mapping.json")) tables.types = numbers_in(lists / "type_mapping.json");
  read_half(sink, {"change_captions.json", "semantic", "sc_images", true}, tables);
  read_half(sink, {"no_change_captions.json", "nonsemantic", "nsc_images", false}, tables);
}

}  // namespace

Source clevr_change_source() {
  return {"clevr-change", "CLEVR-Change", "change_captions.json, no_change_captions.json and splits.json",
          [](const fs::path& folder) {
            return has(folder, "change_captions.json") && has(folder, "no_change_captions.json") &&
                   has(folder, "splits.json");
          },
          read};
}

}  // namespace ccexpert::datasets
