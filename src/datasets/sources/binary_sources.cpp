// SYSU-CD and LEVIR-CD: one mask per pair with the place of changes but not their kind.
#include <fmt/format.h>

#include "datasets/sources/mask_source.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

/// Names of the folders within a split.
struct Folders {
  const char* before;
  const char* after;
};

std::vector<MaskedPair> pairs_in(const fs::path& input, const Folders& folders) {
  std::vector<MaskedPair> pairs;
  const auto add = [&](const std::string& split, const std::string& within) {
    const auto part = input / within;
    for (const auto& name : images_in_any({part / "label", part / folders.before, part / folders.after})) {
      const auto path = [&](const char* folder) { return fmt::format("{}{}/{}", within, folder, name); };
      pairs.push_back(
          {split, uid_in_split(split, name), path(folders.before), path(folders.after), {path("label")}});
    }
  };
  for (const auto* split : {"train", "val", "test"}) {
    if (has(input, split)) add(split, std::string(split) + "/");
  }
  // Part of a set, without splits.
  if (pairs.empty() && has(input, "label")) add("train", "");
  return pairs;
}

Labels binary_labels(const std::vector<LabelImage>& labels) {
  return {binary_map(labels.front())};
}

/// SYSU-CD does not distinguish buildings, roads, vegetation, sea and construction works.
MaskReading sysu_reading() {
  return {{{"an area",
            "areas",
            {{"has changed", "have changed"},
             {"looks different", "look different"},
             {"is used in another way", "are used in another way"},
             {"has been altered", "have been altered"}}}},
          5,
          true,
          binary_labels};
}

MaskReading levir_reading() {
  return {{{"a building",
            "buildings",
            {{"has changed", "have changed"},
             {"is built or removed", "are built or removed"},
             {"is different", "are different"}}}},
          5,
          true,
          binary_labels};
}

bool looks_like(const fs::path& folder, const Folders& folders) {
  return has_in_a_split(folder, "label") && has_in_a_split(folder, folders.before) &&
         has_in_a_split(folder, folders.after);
}

constexpr Folders kSysu{"time1", "time2"};
constexpr Folders kLevir{"A", "B"};

}  // namespace

Source sysu_cd_source() {
  return {"sysu-cd", "SYSU-CD", "{train,val,test}/{time1,time2,label}",
          [](const fs::path& folder) { return looks_like(folder, kSysu); },
          [](Sink& sink) { add_masked_pairs(sink, pairs_in(sink.input(), kSysu), sysu_reading()); }};
}

Source levir_cd_source() {
  return {"levir-cd", "LEVIR-CD", "{train,val,test}/{A,B,label}",
          [](const fs::path& folder) { return looks_like(folder, kLevir); },
          [](Sink& sink) { add_masked_pairs(sink, pairs_in(sink.input(), kLevir), levir_reading()); }};
}

}  // namespace ccexpert::datasets
