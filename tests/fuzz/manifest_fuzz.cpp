// manifest.json of a checkpoint, its form between ranks, and the description of a conversion.
#include "datasets/shared/convert.h"
#include "datasets/sources/earlier_conversion.h"
#include "fuzz/target.h"
#include "train/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  static const auto there = folder.write("a", "some bytes");
  const auto text = fuzz::text_of(data, size);
  folder.write(train::kManifestFile, text);
  fuzz::reads([&] { train::verify_manifest(folder.path()); });
  fuzz::reads([&] { train::verify_manifest(folder.path(), 0, 1, train::MissingFiles::kPass); });
  fuzz::reads([&] { train::from_lines(std::string(text)); });
  folder.write(datasets::kDescription, text);
  fuzz::reads([&] {
    const datasets::EarlierConversion earlier(folder.path());
    for (const auto& name : earlier.names()) fuzz::reads([&] { earlier.expect_own(name, "a list"); });
  });
  return 0;
}
