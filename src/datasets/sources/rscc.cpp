// RSCC: pairs before and after disasters, with captions written by a model.
#include <unordered_set>

#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using Keys = std::unordered_set<TextKey, TextKeyHash>;

Entry entry_of(const json& line, const std::string& split) {
  Entry entry{.split = split};
  entry.before = text_field(line, "pre_image");
  entry.after = text_field(line, "post_image");
  entry.uid = fs::path(entry.after).replace_extension().string();
  entry.captions = texts_field(line, "change_caption");
  entry.captions_by = caption_source::kModel;
  return entry;
}

/// Reads the lists of one split; pairs in `held` are skipped in train.
void read_split(Sink& sink, const std::string& split, Keys& held) {
  const JsonPlace place{
      .bad_line = [&](const std::string& where, const std::string& problem) { sink.refuse(where, problem); }};
  for (const auto& list : lists_with(sink.input(), {"pre_image", "post_image"})) {
    if (split_in_name(list) != split) continue;
    visit_elements(sink.input() / list, place, [&](json& line, const std::string& where) {
      const auto key = text_key(optional_text_field(line, "post_image").value_or(""));
      if (split == "train" && held.contains(key)) return sink.pass_over();
      if (split != "train") held.insert(key);
      sink.add(where, [&] { return entry_of(line, split); });
    });
  }
}

void read(Sink& sink) {
  // The list of all pairs also contains those of the test list.
  Keys held;
  for (const auto* split : {"test", "val", "train"}) read_split(sink, split, held);
}

}  // namespace

Source rscc_source() {
  return {"rscc", "RSCC", "JSON Lines with pre_image, post_image and change_caption",
          [](const fs::path& folder) {
            return !lists_with(folder, {"pre_image", "post_image"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
