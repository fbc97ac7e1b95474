// Image-Editing-Request: photographs, user requests to change them, and the edited results.
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Entry entry_of(const json& edit, const std::string& split, const std::string& folder) {
  Entry entry{.split = split, .uid = text_field(edit, "uid"), .changed = true};
  entry.before = folder + text_field(edit, "img0");
  entry.after = folder + text_field(edit, "img1");
  entry.captions = texts_field(edit, "sents");
  return entry;
}

void read(Sink& sink) {
  const std::string folder = has(sink.input(), "images") ? "images/" : "";
  for (const auto& list : lists_with(sink.input(), {"img0", "img1", "sents"})) {
    const auto split = split_named(stem_of(list));
    visit_elements(sink.input() / list, {}, [&](json& edit, const std::string& where) {
      sink.add(where, [&] { return entry_of(edit, split, folder); });
    });
  }
}

}  // namespace

Source image_editing_request_source() {
  return {"image-editing-request", "Image-Editing-Request",
          "{train,valid,test}.json with img0, img1 and sents",
          [](const fs::path& folder) {
            return !lists_with(folder, {"img0", "img1", "sents"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
