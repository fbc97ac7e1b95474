// LEVIR-CC and sets of the same form: LEVIR-MCI, WHU-CDC, SECOND-CC.
#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/ascii.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kLevirList = "LevirCCcaptions.json";
constexpr const char* kSecondList = "SECOND-CC-AUG.json";

/// Image folders of a set; "{}" is the split.
struct Places {
  const char* before = "images/{}/A/";
  const char* after = "images/{}/B/";
  const char* mask = nullptr;
};

std::vector<std::string> sentences_of(const json& image) {
  std::vector<std::string> captions;
  for (const auto& sentence : list_field(image, "sentences"))
    captions.push_back(any_text_field(sentence, "raw"));
  return captions;
}

/// Returns the folder of a split as this set names it.
std::string split_folder(const json& image) {
  if (auto folder = optional_text_field(image, "filepath")) return *folder;
  return text_field(image, "split");
}

Entry entry_of(const json& image, const Places& places) {
  const auto folder = split_folder(image), name = text_field(image, "filename");
  Entry entry{.split = split_named(optional_text_field(image, "split").value_or(folder))};
  entry.uid = uid_in_split(entry.split, name);
  entry.before = fmt::format(fmt::runtime(places.before), folder) + name;
  entry.after = fmt::format(fmt::runtime(places.after), folder) + name;
  entry.captions = sentences_of(image);
  entry.changed = flag_field(image, "changeflag");
  if (places.mask != nullptr) entry.mask = fmt::format(fmt::runtime(places.mask), folder) + name;
  return entry;
}

void read_list(Sink& sink, const std::string& list, const Places& places) {
  const JsonPlace place{.key = "images", .ignored = {"tokens", "sentids", "imgid", "sentid"}};
  visit_elements(sink.input() / list, place, [&](json& image, const std::string& where) {
    sink.add(where, [&] { return entry_of(image, places); });
  });
}

/// Returns the only list of a folder, for a set whose list has no fixed name.
std::string only_list(const fs::path& folder) {
  const auto lists = lists_with(folder, {"images", "sentences"});
  if (lists.size() != 1) {
    fail_expected(
        {folder.string(), "one JSON file with images and sentences", fmt::format("{}", lists.size())});
  }
  return lists.front();
}

bool names_whu(const fs::path& folder) {
  const auto lists = lists_with(folder, {"images", "sentences"});
  return std::any_of(lists.begin(), lists.end(), [](const std::string& name) {
    return ascii_lower_case(name).find("whu") != std::string::npos;
  });
}

}  // namespace

Source levir_cc_source() {
  return {"levir-cc", "LEVIR-CC", "LevirCCcaptions.json and images/{train,val,test}/{A,B}",
          [](const fs::path& folder) { return has(folder, kLevirList); },
          [](Sink& sink) { read_list(sink, kLevirList, {}); }};
}

Source levir_mci_source() {
  return {"levir-mci", "LEVIR-MCI", "LEVIR-CC's files and images/{train,val,test}/label",
          [](const fs::path& folder) {
            return has(folder, kLevirList) && has_in_a_split(folder / "images", "label");
          },
          [](Sink& sink) { read_list(sink, kLevirList, {.mask = "images/{}/label/"}); }};
}

Source whu_cdc_source() {
  return {"whu-cdc", "WHU-CDC",
          "a JSON file of LEVIR-CC's form with WHU in its name and images/{train,val,test}/{A,B}",
          [](const fs::path& folder) { return names_whu(folder) && has_in_a_split(folder / "images", "A"); },
          [](Sink& sink) { read_list(sink, only_list(sink.input()), {}); }};
}

Source second_cc_source() {
  return {"second-cc", "SECOND-CC", "SECOND-CC-AUG.json and {train,val,test}/rgb/{A,B}",
          [](const fs::path& folder) { return has(folder, kSecondList); },
          [](Sink& sink) { read_list(sink, kSecondList, {.before = "{}/rgb/A/", .after = "{}/rgb/B/"}); }};
}

}  // namespace ccexpert::datasets
