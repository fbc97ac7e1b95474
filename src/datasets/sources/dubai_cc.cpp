// Dubai-CC: 500 pairs of 2000 and 2010, one JSON file per split.
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kLists = "description_jsontr_te_val";

Entry entry_of(const json& image, const std::string& split) {
  const auto name = text_field(image, "filename");
  Entry entry{.split = split, .uid = stem_of(name)};
  entry.before = "RGB/500_2000/" + name;
  entry.after = "RGB/500_2010/" + name;
  for (const auto& sentence : list_field(image, "sentences")) {
    entry.captions.push_back(any_text_field(sentence, "raw"));
  }
  entry.changed = flag_field(image, "changeflag");
  return entry;
}

void read(Sink& sink) {
  const auto folder = sink.input() / kLists;
  for (const auto& list : files_in(folder, {".json"})) {
    visit_elements(folder / list, {.key = "images", .ignored = {"tokens"}},
                   [&](json& image, const std::string& where) {
                     sink.add(where, [&] { return entry_of(image, split_in_name(list)); });
                   });
  }
}

}  // namespace

Source dubai_cc_source() {
  return {"dubai-cc", "Dubai-CC", "description_jsontr_te_val and RGB/{500_2000,500_2010}",
          [](const fs::path& folder) { return has(folder, kLists) && has(folder, "RGB/500_2000"); }, read};
}

}  // namespace ccexpert::datasets
