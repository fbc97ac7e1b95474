// METEOR's tables: building an index of them and scoring with it.
#include <array>

#include <ccexpert/eval/meteor.h>

#include "eval/meteor_index.h"
#include "eval/meteor_source.h"
#include "eval/meteor_tables.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

constexpr std::array kFiles{eval::kSynsetsFile, eval::kIrregularFile, eval::kFunctionFile,
                            eval::kAbbreviationsFile};
constexpr size_t kMostParaphrases = 60000;  // bytes; gzip_of takes no more

void write_tables(const Folder& folder, std::string_view input) {
  const auto parts = parts_of(input, kFiles.size() + 1);
  for (size_t i = 0; i < kFiles.size(); ++i) folder.write(kFiles[i], parts[i]);
  const auto last = parts.back();
  // Seeds with compressed tables also test damaged gzip data.
  folder.write(eval::kParaphrasesFile, last.starts_with("\x1f\x8b")
                                           ? std::string(last)
                                           : test::gzip_of(std::string(last.substr(0, kMostParaphrases))));
  folder.write(eval::kOwnTablesFile, "");
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  fuzz::write_tables(folder, fuzz::text_of(data, size));
  const auto file = folder / "index";
  if (!fuzz::reads([&] { eval::build_meteor_index(folder.path(), file); })) return 0;
  // Every index that was built can be read.
  const auto index = std::make_shared<const eval::MeteorIndex>(MappedFile::open(file));
  eval::MeteorAligner(index).align("Mr. Big has a number of cars.", "many automobiles of a better man");
  return 0;
}
