// Spot-the-Diff: frames of surveillance cameras; a pair occurs once per annotator.
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Entry entry_of(const json& row, const std::string& split) {
  const auto id = text_field(row, "img_id");
  Entry entry{.split = split, .uid = id};
  entry.before = "resized_images/" + id + ".png";
  entry.after = "resized_images/" + id + "_2.png";
  entry.captions = texts_field(row, "sentences");
  return entry;
}

void read(Sink& sink) {
  const auto folder = sink.input() / "annotations";
  for (const auto& list : files_in(folder, {".json"})) {
    const auto split = split_named(stem_of(list));
    visit_elements(folder / list, {}, [&](json& row, const std::string& where) {
      sink.add(where, [&] { return entry_of(row, split); });
    });
  }
}

}  // namespace

Source spot_the_diff_source() {
  return {"spot-the-diff", "Spot-the-Diff", "annotations/{train,val,test}.json and resized_images",
          [](const fs::path& folder) {
            return has(folder, "resized_images") &&
                   !lists_with(folder / "annotations", {"img_id", "sentences"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
