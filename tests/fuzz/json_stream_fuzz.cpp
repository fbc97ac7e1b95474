// Large JSON files read element by element, and merged lists.
#include "datasets/json_stream.h"
#include "datasets/shared/lists.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

void ignore_element(nlohmann::json&, const std::string&) {}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  const auto file = folder.write("list.json", fuzz::text_of(data, size));
  fuzz::reads([&] { datasets::visit_elements(file, {}, fuzz::ignore_element); });
  fuzz::reads([&] {
    datasets::visit_elements(file, {.key = "images", .ignored = {"tokens"}}, fuzz::ignore_element);
  });
  fuzz::reads([&] { datasets::visit_members(file, [](const std::string&, nlohmann::json&) {}); });
  fuzz::reads([&] { datasets::merge_lists({file, file}, folder / "merged.json", {.overwrite = true}); });
  return 0;
}
