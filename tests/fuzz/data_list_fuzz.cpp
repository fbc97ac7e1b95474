// Data lists: their entries, the pairs that they select, and mixes.
#include <ccexpert/data/change_dataset.h>

#include "data/shared/data_list.h"
#include "datasets/shared/mix.h"
#include "fuzz/target.h"

namespace {

/// A file that the seeds refer to.
constexpr std::string_view kPairs =
    R"([{"img1_path": "a.png", "img2_path": "b.png", "change_caption": ["one", "two", "three"]},
        {"img1_path": "c.png", "img2_path": "d.png", "change_caption": "one", "change_flag": 0}])";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  static const auto pairs = folder.write("pairs.json", kPairs);
  const auto list = folder.write("list.yaml", fuzz::text_of(data, size));
  fuzz::reads([&] {
    for (const auto& dataset : data::read_listed_datasets(list)) {
      data::chosen_pairs(dataset, 0, 7, 42);
      data::kept_captions(dataset, {}, 3, 42);
    }
  });
  fuzz::reads([&] { data::read_data_list(list); });
  fuzz::reads([&] {
    datasets::mix(list, folder / "mix.yaml", {.skip_missing = true, .overwrite = true, .repeats = {}});
    data::read_data_list(folder / "mix.yaml");
  });
  return 0;
}
