// The annotations of published datasets. The first byte of an input selects the dataset.
#include <array>

#include "datasets/shared/convert.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

struct Layout {
  const char* source;
  std::vector<const char*> files;  ///< one for each part of the input
};

/// The byte of the first layout is '0'.
const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{
      {"levir-cc", {"LevirCCcaptions.json"}},
      {"second-cc", {"SECOND-CC-AUG.json"}},
      {"dubai-cc", {"description_jsontr_te_val/Train_all.json"}},
      {"rscc", {"RSCC.jsonl", "RSCC_test.jsonl"}},
      {"changechat", {"ChangeChat_train.json", "ChangeChat_test.json"}},
      {"clevr-change",
       {"change_captions.json", "no_change_captions.json", "splits.json", "type_mapping.json"}},
      {"image-editing-request", {"train.json"}},
      {"spot-the-diff", {"annotations/train.json"}},
      {"stvchrono", {"train.json"}},
      {"vismin", {"train.json", "bench.csv"}},
      {"folders", {"captions.csv"}}};
  return all;
}

/// Writes the files of a layout to the layout's own folder, and returns the folder.
std::filesystem::path write_source(const Layout& layout, std::string_view input) {
  const auto& folder = Folder::shared();
  const auto parts = parts_of(input, layout.files.size());
  for (size_t i = 0; i < parts.size(); ++i)
    folder.write_or_remove(std::string(layout.source) + "/" + layout.files[i], parts[i]);
  // A pair of the source "folders"; other sources ignore it.
  for (const auto* image : {"/before/x.png", "/after/x.png"})
    folder.write(std::string(layout.source) + image, "x");
  return folder / layout.source;
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  if (size == 0) return 0;
  const auto& layout = fuzz::layouts()[(data[0] - size_t{'0'}) % fuzz::layouts().size()];
  const auto input = fuzz::write_source(layout, fuzz::text_of(data + 1, size - 1));
  for (const auto on_error : {datasets::OnError::kError, datasets::OnError::kSkip}) {
    fuzz::reads([&] {
      datasets::convert({.source = layout.source,
                         .input = input,
                         .output = fuzz::Folder::shared() / "out",
                         .on_error = on_error,
                         .overwrite = true,
                         .check_images = false,
                         .jobs = 1});
    });
  }
  return 0;
}
