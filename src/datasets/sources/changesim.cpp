// ChangeSim: a robot's views of simulated warehouses at two times, with maps of the changes.
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/folder_entries.h"
#include "datasets/sources/mask_source.h"
#include "datasets/sources/palette.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::array<const char*, 2>, 2> kSplits{
    {{"train", "Query_Seq_Train"}, {"test", "Query_Seq_Test"}}};

std::vector<std::string> folders_in(const fs::path& folder) {
  std::error_code ignored;
  std::vector<std::string> names;
  for (const auto& each : folder_entries(folder)) {
    if (fs::is_directory(each, ignored)) names.push_back(each.filename().string());
  }
  return names;
}

void add_sequence(const fs::path& input, const std::string& split, const std::string& sequence,
                  std::vector<MaskedPair>& pairs) {
  const auto labels = input / sequence / "change_segmentation";
  if (!has(labels, "")) return;
  // "Query_Seq_Train/Warehouse_0/Seq_0_dust" to "Warehouse_0-Seq_0_dust".
  const fs::path path(sequence);
  const auto name = path.parent_path().filename().string() + "-" + path.filename().string();
  for (const auto& image : images_in_any({labels, input / sequence / "rgb"})) {
    pairs.push_back({split,
                     fmt::format("{}-{}", name, stem_of(image)),
                     fmt::format("{}/t0/rgb/{}", sequence, image),
                     fmt::format("{}/rgb/{}", sequence, image),
                     {fmt::format("{}/change_segmentation/{}", sequence, image)}});
  }
}

std::vector<MaskedPair> pairs_in(const fs::path& input) {
  std::vector<MaskedPair> pairs;
  for (const auto& [split, folder] : kSplits) {
    if (!has(input, folder)) continue;
    for (const auto& warehouse : folders_in(input / folder)) {
      for (const auto& sequence : folders_in(input / folder / warehouse)) {
        add_sequence(input, split, fmt::format("{}/{}/{}", folder, warehouse, sequence), pairs);
      }
    }
  }
  return pairs;
}

Labels read_labels(const std::vector<LabelImage>& labels) {
  const auto& label = labels.front().image;
  static const std::vector<Colour> palette{
      {0, 0, 0}, {81, 38, 0}, {41, 36, 132}, {25, 48, 16}, {131, 192, 13}};
  return {{label.height, label.width, palette_numbers(label, palette)}};
}

MaskReading reading() {
  return {{{"an object",
            "objects",
            {{"has been added", "have been added"}, {"appears", "appear"}, {"is new", "are new"}}},
           {"an object",
            "objects",
            {{"is missing", "are missing"},
             {"has been removed", "have been removed"},
             {"disappears", "disappear"}}},
           {"an object",
            "objects",
            {{"has been rotated", "have been rotated"}, {"is turned another way", "are turned another way"}}},
           {"an object",
            "objects",
            {{"has been replaced", "have been replaced"},
             {"is replaced by another one", "are replaced by others"}}}},
          3,
          true,
          read_labels};
}

}  // namespace

Source changesim_source() {
  return {"changesim", "ChangeSim",
          "{Query_Seq_Train,Query_Seq_Test}/Warehouse_N/Seq_M/{rgb,t0/rgb,change_segmentation}",
          [](const fs::path& folder) { return has(folder, kSplits[0][1]) || has(folder, kSplits[1][1]); },
          [](Sink& sink) { add_masked_pairs(sink, pairs_in(sink.input()), reading()); }};
}

}  // namespace ccexpert::datasets
