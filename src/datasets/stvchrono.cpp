// STVchrono: street views of one place over the years. Tasks of two images are pairs; longer ones are not.
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/caption_text.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Texts of the task, one for each thing that may change. Where something did, those that did not are no
/// caption of the pair.
std::vector<std::string> captions_of(const json& task) {
  std::vector<std::string> changes, others;
  for (const auto& attribute : list_field(task, "attributes")) {
    if (text_field(attribute, "type") != "textarea") continue;
    const auto value = attribute.find("value");
    if (value == attribute.end() || !value->is_string()) continue;
    const auto text = clean_caption(value->get<std::string>());
    if (text.empty()) continue;
    (says_no_change(text) ? others : changes).push_back(value->get<std::string>());
  }
  return changes.empty() ? others : changes;
}

/// The image's path within the set: authors' mirrors differ in where the folders are.
std::string located(const fs::path& input, const std::string& task, const std::string& name) {
  for (const auto& candidate : {name, fmt::format("images/{}", name), fmt::format("{}/{}", task, name),
                                fmt::format("images/{}/{}", task, name)}) {
    if (has(input, candidate)) return candidate;
  }
  return "images/" + name;
}

Entry entry_of(const json& task, const json& contents, const std::string& split, const fs::path& input) {
  const auto name = text_field(task, "name");
  const auto before = text_field(contents[0], "name"), after = text_field(contents[1], "name");
  Entry entry{.split = split, .uid = fmt::format("{}-{}", stem_of(before), stem_of(after))};
  entry.before = located(input, name, before);
  entry.after = located(input, name, after);
  entry.captions = captions_of(task);
  return entry;
}

void read(Sink& sink) {
  for (const auto& list : lists_with(sink.input(), {"contents", "attributes"})) {
    visit_elements(sink.input() / list, {.ignored = {"url"}}, [&](json& task, const std::string& where) {
      try {
        const auto& contents = list_field(task, "contents");
        if (contents.size() != 2) return sink.pass_over();
        sink.add(where, [&] { return entry_of(task, contents, split_in_name(list), sink.input()); });
      } catch (const Error& error) {
        sink.refuse(where, error.what());
      }
    });
  }
}

}  // namespace

Source stvchrono_source() {
  return {"stvchrono", "STVchrono", "JSON of tasks with contents and attributes",
          [](const fs::path& folder) {
            return !lists_with(folder, {"contents", "attributes"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
